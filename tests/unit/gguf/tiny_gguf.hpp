// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gguf_bytes.hpp"
#include "support/tiny_model.hpp"

namespace pst::gguf::fixture {

/// The tiny llama as a converter would write it, open to changes before bytes() puts it together.
struct TinyGguf {
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> dimensions;  ///< fastest first
    std::uint32_t type = 30;                ///< ggml's number; 30 is BF16
    std::string bytes;
  };
  std::map<std::string, std::pair<std::uint32_t, std::string>> metadata;  ///< type and raw value
  std::vector<Tensor> tensors;

  Tensor& tensor(const std::string& name);
  void set_text(const std::string& key, const std::string& value) { metadata[key] = {8, gguf_string(value)}; }
  void set_u32(const std::string& key, std::uint32_t value) { metadata[key] = {4, raw(value)}; }
  void set_f32(const std::string& key, float value) { metadata[key] = {6, raw(value)}; }
  void set_bool(const std::string& key, bool value) { metadata[key] = {7, raw<std::uint8_t>(value)}; }
  void set_texts(const std::string& key, const std::vector<std::string>& values);
  void set_f32s(const std::string& key, const std::vector<float>& values);
  void set_i32s(const std::string& key, const std::vector<std::int32_t>& values);
  std::string bytes() const;
};

/// @param dir  a folder that write_tiny_model() made with dtype BF16; its tensors go into the file unchanged but for
/// the
///             rows of q and k, which are reordered as llama.cpp's converter does
TinyGguf tiny_gguf(const std::filesystem::path& dir, const pst::fixture::TinyModel& model);

/// A tokenizer of its own: four letters, one merge, one control, one user-defined and one unused token.
void set_small_vocabulary(TinyGguf& file);

}  // namespace pst::gguf::fixture
