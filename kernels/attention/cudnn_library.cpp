// SPDX-License-Identifier: Apache-2.0
// cuDNN's functions, as far as its frontend's headers call them, each handed on to the library that libtorch brings
// along: the module links none of NVIDIA's libraries. The headers can open libraries themselves, but they would also
// open a CUDA runtime, by names of which a machine may have two or none.
#include "kernels/attention/cudnn_library.hpp"

#include <cudnn.h>
#include <dlfcn.h>

#include <string>

namespace pst::cuda {
namespace {

void* library() {
  static void* const opened =
      ::dlopen(("libcudnn.so." + std::to_string(CUDNN_MAJOR)).c_str(), RTLD_NOW | RTLD_LOCAL);  // stays open
  return opened;
}

template <class Function>
Function* named(const char* name) {
  return library() == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(library(), name));
}

}  // namespace

std::size_t cudnn_version() { return cudnnGetVersion(); }

}  // namespace pst::cuda

#define PST_FROM_CUDNN(name) static auto* const found = pst::cuda::named<decltype(name)>(#name)
#define PST_HAND_ON(name, ...) \
  PST_FROM_CUDNN(name);        \
  return found == nullptr ? CUDNN_STATUS_NOT_INITIALIZED : found(__VA_ARGS__)

size_t cudnnGetVersion() {
  PST_FROM_CUDNN(cudnnGetVersion);
  return found == nullptr ? 0 : found();
}
const char* cudnnGetErrorString(cudnnStatus_t status) {
  PST_FROM_CUDNN(cudnnGetErrorString);
  return found == nullptr ? "there is no cuDNN" : found(status);
}
void cudnnGetLastErrorString(char* message, size_t size) {
  PST_FROM_CUDNN(cudnnGetLastErrorString);
  if (found != nullptr) return found(message, size);
  if (size > 0) *message = '\0';
}
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { PST_HAND_ON(cudnnCreate, handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) { PST_HAND_ON(cudnnSetStream, handle, stream); }
cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  PST_HAND_ON(cudnnGetStream, handle, stream);
}
cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
  PST_HAND_ON(cudnnBackendCreateDescriptor, type, descriptor);
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  PST_HAND_ON(cudnnBackendDestroyDescriptor, descriptor);
}
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  PST_HAND_ON(cudnnBackendFinalize, descriptor);
}
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void* values) {
  PST_HAND_ON(cudnnBackendSetAttribute, descriptor, name, type, count, values);
}
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t wanted, int64_t* count, void* values) {
  PST_HAND_ON(cudnnBackendGetAttribute, descriptor, name, type, wanted, count, values);
}
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t arguments) {
  PST_HAND_ON(cudnnBackendExecute, handle, plan, arguments);
}
