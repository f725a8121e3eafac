// SPDX-License-Identifier: Apache-2.0
#include "gguf/hugging_face.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "families/read_model.hpp"
#include "gguf/gguf_tensors.hpp"
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

TEST(TargetRow, UndoesTheConvertersReordering) {
  // Two heads of six rows. The file holds rows 0 3 1 4 2 5 | 6 9 7 10 8 11 of the original.
  std::vector<std::int64_t> to;
  for (std::int64_t row = 0; row < 12; ++row) to.push_back(target_row(row, 12, families::GgufRows::pairs, 2));

  EXPECT_THAT(to, ElementsAre(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11));
}

TEST(TargetRow, PutsQueriesKeysAndValuesOfAHeadTogether) {
  // Two heads of two rows each: the file holds q q q q k k k k v v v v.
  std::vector<std::int64_t> to;
  for (std::int64_t row = 0; row < 12; ++row) to.push_back(target_row(row, 12, families::GgufRows::thirds, 2));

  EXPECT_THAT(to, ElementsAre(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11));
}

TEST(TargetRow, ElseKeepsTheOrder) { EXPECT_EQ(target_row(7, 12, families::GgufRows::same, 2), 7); }

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

/// A table that says nothing without its base, and scalings that lack a part.
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
  EXPECT_THAT(refusal(plain, [](auto& gguf) { gguf.set_text("llama.rope.scaling.type", "yarn"); }),
              testing::HasSubstr("llama.rope.scaling.factor is missing"));
  EXPECT_THAT(refusal(plain, [](auto& gguf) { gguf.set_text("llama.rope.scaling.type", "longrope"); }),
              testing::HasSubstr("there are no tensors of factors"));
}

/// Files of either spelling, without a type: llama.cpp then scales linearly.
TEST(ConfigOfGguf, LinearScalingHasTwoSpellings) {
  for (const char* const key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    const pst::fixture::TemporaryDirectory dir;
    const pst::fixture::TinyModel model{.dtype = "BF16"};
    pst::fixture::write_tiny_model(dir / "hf", model);
    auto gguf = fixture::tiny_gguf(dir / "hf", model);
    gguf.set_f32(key, 4);
    fixture::write_file(dir / "m.gguf", gguf.bytes());

    EXPECT_EQ(spec_of(dir / "m.gguf").ropes.at(0).described, "linear scaling by 4") << key;
  }
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
