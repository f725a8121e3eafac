// SPDX-License-Identifier: Apache-2.0
#include "gguf/hugging_face.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "families/read_model.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "tiny_gguf.hpp"

namespace pst::gguf {
namespace {

using testing::ElementsAre;

families::ModelSpec spec_of(const std::filesystem::path& path) {
  const File file(path);
  return families::parse_model(config_json(file, family_of(file)), "config.json");
}

TEST(SourceRow, UndoesTheConvertersReordering) {
  // Two heads of six rows. The file holds rows 0 3 1 4 2 5 | 6 9 7 10 8 11 of the original.
  std::vector<std::int64_t> from;
  for (std::int64_t row = 0; row < 12; ++row) from.push_back(source_row(row, 12, 2));

  EXPECT_THAT(from, ElementsAre(0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11));
}

TEST(SourceRow, WithoutHeadsKeepsTheOrder) { EXPECT_EQ(source_row(7, 12, 0), 7); }

TEST(ConfigOfGguf, NumbersAreTheDecimalsThatWereMeant) {
  const pst::fixture::TemporaryDirectory dir;
  const pst::fixture::TinyModel model{.rope_theta = 1e6, .rms_norm_eps = 1e-5, .dtype = "BF16"};
  pst::fixture::write_tiny_model(dir / "hf", model);
  fixture::write_file(dir / "m.gguf", fixture::tiny_gguf(dir / "hf", model).bytes());

  const auto spec = spec_of(dir / "m.gguf");

  EXPECT_EQ(spec.final_norm->eps, 1e-5);  // stored as the float32 9.99999974737875e-06
  EXPECT_EQ(spec.ropes.at(0).theta, 1e6);
  EXPECT_TRUE(spec.tied_head);
}

/// What llama.cpp would scale by, and a table that says nothing without its base.
TEST(ConfigOfGguf, RotaryKeysThatWouldBeLostAreRefused) {
  const auto refusal = [](const pst::fixture::TinyModel& model, const std::function<void(fixture::TinyGguf&)>& change) {
    const pst::fixture::TemporaryDirectory dir;
    pst::fixture::write_tiny_model(dir / "hf", model);
    auto gguf = fixture::tiny_gguf(dir / "hf", model);
    change(gguf);
    fixture::write_file(dir / "m.gguf", gguf.bytes());
    return pst::fixture::error_of(Fault::data, [&] { spec_of(dir / "m.gguf"); });
  };
  const pst::fixture::TinyModel plain{.dtype = "BF16"}, scaled{.llama3_rope = true, .dtype = "BF16"};

  EXPECT_THAT(refusal(scaled, [](auto& gguf) { gguf.metadata.erase("llama.rope.freq_base"); }),
              testing::HasSubstr("llama.rope.freq_base is missing"));
  EXPECT_THAT(refusal(plain, [](auto& gguf) { gguf.set_f32("llama.rope.scaling.factor", 4); }),
              testing::HasSubstr("llama.rope.scaling.factor is 4: linear scaling is not supported"));
  EXPECT_THAT(refusal(plain, [](auto& gguf) { gguf.set_f32("llama.rope.scale_linear", 2); }),
              testing::HasSubstr("llama.rope.scale_linear is 2"));
}

TEST(ConfigOfGguf, EveryEndTokenCountsOnce) {
  const pst::fixture::TemporaryDirectory dir;
  const pst::fixture::TinyModel model{.dtype = "BF16"};
  pst::fixture::write_tiny_model(dir / "hf", model);
  auto gguf = fixture::tiny_gguf(dir / "hf", model);
  gguf.set_u32("tokenizer.ggml.eot_token_id", 6);
  gguf.set_u32("tokenizer.ggml.eom_token_id", 5);
  fixture::write_file(dir / "m.gguf", gguf.bytes());

  EXPECT_THAT(spec_of(dir / "m.gguf").eos_token_ids, ElementsAre(5, 6));
}

}  // namespace
}  // namespace pst::gguf
