// SPDX-License-Identifier: Apache-2.0
// Exists so that a target can own the precompiled header of the torch layers (cmake/PstTorch.cmake).
namespace pst { extern const char* const kTorchPch; const char* const kTorchPch = "torch"; }
