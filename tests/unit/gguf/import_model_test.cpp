// SPDX-License-Identifier: Apache-2.0
#include "gguf/import_model.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <unistd.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/inspect.hpp"
#include "families/read_model.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "tiny_gguf.hpp"
#include "weights/safetensors.hpp"

namespace pst::gguf {
namespace {

using fixture::tiny_gguf;
using fixture::TinyGguf;
using nlohmann::json;
using pst::fixture::error_of;
using pst::fixture::TemporaryDirectory;
using pst::fixture::TinyModel;
using testing::ElementsAre;
using testing::HasSubstr;

/// A tiny model's folder and the GGUF made of it.
struct Origin {
  TemporaryDirectory dir;
  TinyModel model;
  TinyGguf gguf;

  explicit Origin(TinyModel options = {}) : model(std::move(options)) {
    model.dtype = "BF16";
    pst::fixture::write_tiny_model(dir / "hf", model);
    gguf = tiny_gguf(dir / "hf", model);
  }
  fs::path written() const {
    fixture::write_file(dir / "m.gguf", gguf.bytes());
    return dir / "m.gguf";
  }
};

/// Unfinished folders beside `dir`.
int left_beside(const fs::path& dir) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(dir.parent_path()))
    count += entry.path().filename().string().find(dir.filename().string() + ".part") == 0 ? 1 : 0;
  return count;
}

void expect_same_tensors(const fs::path& a, const fs::path& b) {
  const auto left = weights::TensorStore::open(a), right = weights::TensorStore::open(b);
  ASSERT_EQ(left.tensors().size(), right.tensors().size());
  for (const auto& tensor : left.tensors()) {
    const auto& other = right.get(tensor.name);
    EXPECT_EQ(tensor.shape, other.shape) << tensor.name;
    EXPECT_EQ(tensor.dtype, other.dtype) << tensor.name;
    EXPECT_TRUE(std::equal(tensor.bytes.begin(), tensor.bytes.end(), other.bytes.begin(), other.bytes.end()))
        << tensor.name;
  }
}

TEST(Import, GivesBackTheModelBitForBit) {
  for (const auto& model : std::vector<TinyModel>{{},
                                                  {.hidden = 48,
                                                  .heads = 6,
                                                  .kv_heads = 2,
                                                  .head_dim = 10,
                                                  .attention_bias = true,
                                                  .mlp_bias = true,
                                                  .tied = false}}) {
    const Origin origin(model);

    import_gguf(origin.written(), origin.dir / "out");

    expect_same_tensors(origin.dir / "hf", origin.dir / "out");
    EXPECT_THAT(families::read_model(origin.dir / "out").eos_token_ids, ElementsAre(5));
    auto before = json::parse(read_file(origin.dir / "hf/config.json")),
         after = json::parse(read_file(origin.dir / "out/config.json"));
    for (json* const config : {&before, &after})  // the GGUF has a vocabulary of its own, and is bf16
      for (const char* key : {"eos_token_id", "bos_token_id", "pad_token_id", "torch_dtype"}) config->erase(key);
    EXPECT_EQ(after, before);
    EXPECT_EQ(left_beside(origin.dir / "out"), 0);
    EXPECT_EQ(families::inspect(origin.dir / "out").tokenizer->added, 2);
  }
}

TEST(Import, Llama3ScalingIsRecoveredFromItsDivisors) {
  Origin origin({.head_dim = 64, .llama3_rope = true, .rope_theta = 500000});

  import_gguf(origin.written(), origin.dir / "out");

  EXPECT_EQ(families::read_model(origin.dir / "out").ropes.at(0).described,
            "llama3 scaling by 8 from 8192 positions (low 1, high 4)");

  origin.gguf.tensor("rope_freqs.weight").bytes.replace(4 * 20, 4, fixture::raw(3.0f));
  EXPECT_THAT(error_of(Fault::data, [&] { import_gguf(origin.written(), origin.dir / "out2"); }),
              HasSubstr("not Llama 3's scaling"));
}

TEST(Import, QuantisedTensorsAreRoundedToBf16) {
  Origin origin;
  // Q8_0: scale 0.5, weights 0, 1, 2 ... per block of 32.
  auto& tensor = origin.gguf.tensor("blk.0.ffn_up.weight");
  std::string block = std::string("\x00\x38", 2);
  for (int i = 0; i < 32; ++i) block += static_cast<char>(i);
  tensor.type = 8;
  tensor.bytes.clear();
  for (std::int64_t row = 0; row < origin.model.intermediate; ++row) tensor.bytes += block;

  import_gguf(origin.written(), origin.dir / "out");

  const auto store = weights::TensorStore::open(origin.dir / "out");
  const auto& up = store.get("model.layers.0.mlp.up_proj.weight");
  const auto values = ConstView(up.bytes.data(), up.count(), up.core_dtype()).as<bf16>();
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(to_float(values[i]), 0.5f * static_cast<float>(i % 32));
}

TEST(Import, TwiceTheSameFileGivesTheSameBytes) {
  const Origin origin;
  const auto gguf = origin.written();

  import_gguf(gguf, origin.dir / "one");
  import_gguf(gguf, (origin.dir / "two").string() + "/");

  int files = 0;
  for (const auto& entry : fs::directory_iterator(origin.dir / "one")) {
    EXPECT_EQ(read_file(entry.path()), read_file(origin.dir / "two" / entry.path().filename())) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 5);  // no chat template in this one
}

/// The first of two files has the metadata, and half of the tensors.
TEST(Import, AModelInTwoFilesIsReadFromTheFirst) {
  Origin origin;
  const auto part = [&](std::size_t begin, std::size_t end, std::uint32_t number) {
    TinyGguf file = origin.gguf;
    if (number > 0) file.metadata.clear();
    file.metadata["split.no"] = {2, fixture::raw<std::uint16_t>(static_cast<std::uint16_t>(number))};
    file.metadata["split.count"] = {2, fixture::raw<std::uint16_t>(2)};
    file.metadata["split.tensors.count"] = {5, fixture::raw(static_cast<std::int32_t>(origin.gguf.tensors.size()))};
    file.tensors = {origin.gguf.tensors.begin() + static_cast<std::ptrdiff_t>(begin),
                    origin.gguf.tensors.begin() + static_cast<std::ptrdiff_t>(end)};
    const fs::path path = origin.dir / cat("m-0000", number + 1, "-of-00002.gguf");
    fixture::write_file(path, file.bytes());
    return path;
  };
  const std::size_t all = origin.gguf.tensors.size(), half = all / 2;
  const fs::path first = part(0, half, 0), second = part(half, all, 1);

  import_gguf(first, origin.dir / "out");

  expect_same_tensors(origin.dir / "hf", origin.dir / "out");
  EXPECT_THAT(error_of(Fault::data, [&] { import_gguf(second, origin.dir / "out2"); }),
              HasSubstr("is number 2 of several files"));
  part(half, all - 1, 1);
  EXPECT_THAT(error_of(Fault::data, [&] { import_gguf(first, origin.dir / "out2"); }), HasSubstr("tensors instead of"));
  part(half - 1, all, 1);
  EXPECT_THAT(error_of(Fault::data, [&] { import_gguf(first, origin.dir / "out2"); }), HasSubstr("has the tensor"));
}

TEST(Import, RefusesWithTheReasonAndLeavesNothing) {
  const std::vector<std::pair<std::string, std::function<void(TinyGguf&)>>> cases = {
      {"architecture \"mamba\"", [](auto& f) { f.set_text("general.architecture", "mamba"); }},
      {"\"general.architecture\" is missing", [](auto& f) { f.metadata.erase("general.architecture"); }},
      {"holds a \"adapter\"", [](auto& f) { f.set_text("general.type", "adapter"); }},
      {"\"llama.expert_used_count\" is missing", [](auto& f) { f.set_u32("llama.expert_count", 8); }},
      {"metadata \"llama.leading_dense_block_count\"",
       [](auto& f) { f.set_u32("llama.leading_dense_block_count", 1); }},
      {"rope.scaling.type is \"spiral\"", [](auto& f) { f.set_text("llama.rope.scaling.type", "spiral"); }},
      {"only 4 of 8 dimensions", [](auto& f) { f.set_u32("llama.rope.dimension_count", 4); }},
      {"must agree", [](auto& f) { f.set_u32("llama.attention.value_length", 4); }},
      {"block_count is 4294967295", [](auto& f) { f.set_u32("llama.block_count", 0xffffffffu); }},
      {"head_count is 0", [](auto& f) { f.set_u32("llama.attention.head_count", 0); }},
      {"cannot be rotated",
       [](auto& f) {
         f.set_u32("llama.attention.head_count", 1000);
         f.metadata.erase("llama.rope.dimension_count");
       }},
      {"epsilon is missing", [](auto& f) { f.metadata.erase("llama.attention.layer_norm_rms_epsilon"); }},
      {"freq_base is not above 0", [](auto& f) { f.set_f32("llama.rope.freq_base", -1); }},
      {"\"llama.context_length\" is missing", [](auto& f) { f.metadata.erase("llama.context_length"); }},
      {"no matrix token_embd.weight", [](auto& f) { f.tensor("token_embd.weight").name = "embd"; }},
      {"tensor blk.1.ffn_up.weight is missing",
       [](auto& f) { f.tensor("blk.1.ffn_up.weight").name = "blk.2.ffn_up.weight"; }},
      {"\"blk.0.attn_q_norm.weight\" does not belong",
       [](auto& f) {
         f.tensors.push_back({"blk.0.attn_q_norm.weight", {1}, 0, "xxxx"});
       }},
      {"is [64, 32], but the metadata make it [63, 32]", [](auto& f) { f.set_u32("llama.feed_forward_length", 63); }},
      {"not finite, in row 1",
       [](auto& f) { f.tensor("blk.0.ffn_up.weight").bytes.replace(2 * 40, 2, fixture::raw<std::uint16_t>(0x7fc0)); }},
      {"bos_token_id is 4294967295", [](auto& f) { f.set_u32("tokenizer.ggml.bos_token_id", 0xffffffffu); }},
      {"pre-tokeniser \"viking\"", [](auto& f) { f.set_text("tokenizer.ggml.pre", "viking"); }},
  };
  Origin origin;
  const TinyGguf unchanged = origin.gguf;
  for (const auto& [message, change] : cases) {
    SCOPED_TRACE(message);
    origin.gguf = unchanged;
    change(origin.gguf);
    const auto gguf = origin.written();

    const std::string report = error_of(Fault::data, [&] { import_gguf(gguf, origin.dir / "out"); });

    EXPECT_THAT(report, HasSubstr(message));
    EXPECT_THAT(report, HasSubstr("while importing"));
    EXPECT_FALSE(fs::exists(origin.dir / "out"));
    EXPECT_EQ(left_beside(origin.dir / "out"), 0);
  }
}

TEST(Import, NeverWritesIntoAFolderThatIsInUse) {
  const Origin origin;
  const auto gguf = origin.written();
  make_directories(origin.dir / "empty");
  EXPECT_NO_THROW(import_gguf(gguf, origin.dir / "empty"));

  EXPECT_THAT(error_of(Fault::usage, [&] { import_gguf(gguf, origin.dir / "empty"); }),
              HasSubstr("exists already and is not empty"));
  write_durably(origin.dir / "file", "x");
  EXPECT_THAT(error_of(Fault::usage, [&] { import_gguf(gguf, origin.dir / "file"); }), HasSubstr("exists already"));
  EXPECT_EQ(read_file(origin.dir / "file"), "x");
}

TEST(Import, ClearsWhatAKilledImportLeftAndNothingElse) {
  const Origin origin;
  const auto gguf = origin.written();
  make_directories(origin.dir / "out.part-1");
  write_durably(origin.dir / "out.part-1/model.safetensors.tmp.17.0", "half");
  write_durably(origin.dir / "out.part-1/chat_template.jinja", "stale");
  make_directories(origin.dir / "out.part-2");
  write_durably(origin.dir / "out.part-2/thesis.tex", "precious");

  import_gguf(gguf, origin.dir / "out");

  EXPECT_FALSE(fs::exists(origin.dir / "out/chat_template.jinja"));
  EXPECT_FALSE(fs::exists(origin.dir / "out.part-1"));
  EXPECT_EQ(read_file(origin.dir / "out.part-2/thesis.tex"), "precious");
}

TEST(Import, IsNotLedByAFolderOrALinkThatIsThere) {
  const Origin origin;
  make_directories(origin.dir / "theirs");
  fs::create_directory_symlink(origin.dir / "theirs", origin.dir / "out.part");
  fs::create_directory_symlink(origin.dir / "theirs", origin.dir / "out.part-abc");

  import_gguf(origin.written(), origin.dir / "out");

  EXPECT_TRUE(fs::is_empty(origin.dir / "theirs"));
  EXPECT_FALSE(fs::is_symlink(origin.dir / "out"));
}

TEST(Import, TwoAtOnceDoNotMix) {
  const Origin origin;
  make_directories(origin.dir / "out.part-1");
  const int lock = ::open((origin.dir / "out.part-1").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);

  EXPECT_THAT(error_of(Fault::usage, [&] { import_gguf(origin.written(), origin.dir / "out"); }),
              HasSubstr("another process of yours"));
  ::close(lock);
  EXPECT_NO_THROW(import_gguf(origin.written(), origin.dir / "out"));
}

}  // namespace
}  // namespace pst::gguf
