// SPDX-License-Identifier: Apache-2.0
#include "lowbit/quantise_folder.hpp"
#include "families/folder.hpp"
#include "families/read_model.hpp"

#include "core/digest.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/inspect.hpp"
#include "support/errors.hpp"
#include "support/recorded.hpp"
#include "support/temporary_directory.hpp"
#include "support/tiny_model.hpp"

namespace pst::lowbit {
namespace {

using testing::Eq;
using testing::HasSubstr;
using weights::NumberFormat;
using weights::TensorStore;

const std::string kUp = "model.layers.1.mlp.up_proj.weight";

TEST(QuantiseFolder, LeavesAllButTheMatricesAsItWas) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir / "from", {.attention_bias = true, .tied = false, .dtype = "BF16"});
  for (const auto& [format, dtype, shown] : {std::tuple{NumberFormat::nf4, "U8", "NF4"},
                                             {NumberFormat::int8, "I8", "INT8"},
                                             {NumberFormat::fp8, "F8_E4M3", "FP8"}}) {
    const fs::path to = dir / weights::name_of(format);
    quantise_folder(dir / "from", to, {.format = format, .skip = {"down_proj"}});

    EXPECT_EQ(families::read_model(to).stored, format);
    EXPECT_NO_THROW(families::check_model(to));
    EXPECT_EQ(read_file(to / "tokenizer.json"), read_file(dir / "from/tokenizer.json"));
    const auto model = families::read_model(dir / "from");
    const auto before = TensorStore::open(dir / "from"), after = TensorStore::open(to);
    for (const auto& tensor : before.tensors()) {
      const bool quantised =
          families::layer_matrices(model).contains(tensor.name) && !is_skipped(tensor.name, {"down_proj"});
      EXPECT_EQ(after.get(tensor.name).dtype, quantised ? dtype : "BF16");
      if (!quantised) {
        EXPECT_THAT(fixture::values_of<char>(after.get(tensor.name)), Eq(fixture::values_of<char>(tensor)));
      }
    }
    EXPECT_THAT(read_file(to / "config.json"), HasSubstr("\"down_proj\""));
    const auto before_summary = families::inspect(dir / "from"), summary = families::inspect(to);
    EXPECT_EQ(summary.parameters, before_summary.parameters);
    EXPECT_GT(summary.values_by_dtype.at(shown), 0);
  }
}

TEST(QuantiseFolder, DependsOnlyOnFolderAndOptions) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir / "from", {.hidden = 36, .heads = 6, .intermediate = 50, .head_dim = 10});

  quantise_folder(dir / "from", dir / "one", {.threads = 1});
  quantise_folder(dir / "from", dir / "three", {.threads = 3});

  EXPECT_EQ(digest_of_file(dir / "one/model.safetensors"), digest_of_file(dir / "three/model.safetensors"));
  for (const auto& entry : fs::directory_iterator(dir.path()))
    EXPECT_EQ(entry.path().filename().string().find(".part"), std::string::npos) << entry.path();
}

TEST(QuantiseFolder, RefusesToQuantiseTwice) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir / "from");
  quantise_folder(dir / "from", dir / "to", {.scales = Scales::plain});

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { quantise_folder(dir / "to", dir / "twice", {}); }),
              HasSubstr("is quantised already: nf4"));
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { quantise_folder(dir / "from", dir / "to", {}); }),
              HasSubstr("exists already"));
  EXPECT_FALSE(fs::exists(dir / "twice"));
}

TEST(QuantiseFolder, AHalfQuantisedMatrixIsAProblemOfTheFolder) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir / "from");
  quantise_folder(dir / "from", dir / "to", {});
  {
    const auto store = TensorStore::open(dir / "to");
    std::vector<weights::NewTensor> tensors;
    for (const auto& tensor : store.tensors())
      if (tensor.name != kUp + ".absmax") tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
    weights::save_tensors(dir / "to/model.safetensors", tensors);
  }
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { families::check_model(dir / "to"); }),
              HasSubstr(kUp + ".absmax is missing"));

  // A folder whose config.json says nothing of it.
  write_durably(dir / "to/config.json", read_file(dir / "from/config.json"));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { families::check_model(dir / "to"); }), HasSubstr("is [1024, 1]"));
}

}  // namespace
}  // namespace pst::lowbit
