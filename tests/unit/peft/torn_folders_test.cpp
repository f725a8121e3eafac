// SPDX-License-Identifier: Apache-2.0
// An adapter's folder that is torn, or written by an enemy, is refused with the tensor's name. Of every method.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "core/file.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "methods/start.hpp"
#include "model/decoder.hpp"
#include "peft/adapter.hpp"
#include "support/adapter_cases.hpp"
#include "support/adapter_pass.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {
namespace {

using ::testing::HasSubstr;

struct Stored {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;

  template <class Value>
  void set(std::size_t index, Value value) {
    std::memcpy(bytes.data() + index * sizeof(Value), &value, sizeof(Value));
  }
};

/// A case's adapter in a model of awkward sizes, saved.
class Folder {
 public:
  explicit Folder(const methods::Adapter& recipe, const fixture::TinyModel& shape = fixture::awkward_model(2)) {
    fixture::write_tiny_model(model_, shape);
    const auto model = load_model();
    const auto adapter = make_adapter(*model, recipe, at::kFloat);
    adapter->initialise(1);
    adapter->save(folder_, "some/model");
    const auto store = weights::TensorStore::open(file());
    for (const weights::Tensor& tensor : store.tensors())
      whole_.push_back({tensor.name, tensor.dtype, tensor.shape, {tensor.bytes.begin(), tensor.bytes.end()}});
    stored_ = methods::read_peft_config(folder_);
    places_ = places_of(*load_model());
  }
  /// The file with something changed.
  void write(const std::function<void(std::vector<Stored>&)>& change) const {
    std::vector<Stored> tensors = whole_;
    change(tensors);
    std::vector<weights::NewTensor> written;
    for (const Stored& tensor : tensors) written.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
    weights::save_tensors(file(), written);
  }
  void check_start() const { methods::check_start(folder_, stored_, places_); }
  void load() const {
    const auto model = load_model();
    make_adapter(*model, stored_, at::kFloat)->load(folder_);
  }
  const std::vector<Stored>& whole() const { return whole_; }
  /// What cannot be the start of a training, whatever its file holds.
  bool is_only_made() const {
    const auto tensors = methods::tensors_of(stored_, places_);
    return std::any_of(tensors.begin(), tensors.end(), [](const auto& of) { return of.trained && !of.saved; });
  }

 private:
  fs::path file() const { return folder_ / "adapter_model.safetensors"; }
  std::unique_ptr<nn::CausalLm> load_model() const {
    return model::load(families::read_model(model_), weights::TensorStore::open(model_), at::kFloat, 64);
  }
  fixture::TemporaryDirectory dir_;
  fs::path model_ = dir_ / "model", folder_ = dir_ / "adapter";
  std::vector<Stored> whole_;
  methods::Adapter stored_;
  methods::Places places_;
};

std::size_t find(const std::vector<Stored>& tensors, const std::string& part) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const Stored& tensor) { return tensor.name.find(part) != std::string::npos; });
  EXPECT_NE(found, tensors.end()) << part;
  return static_cast<std::size_t>(found - tensors.begin());
}

class TornFolder : public testing::TestWithParam<fixture::AdapterCase> {};

TEST_P(TornFolder, IsRefusedWithTheTensor) {
  const Folder folder(GetParam().adapter, GetParam().model(fixture::awkward_model(2)));
  if (folder.is_only_made()) GTEST_SKIP() << "cannot be the start of a training";
  folder.write([](auto&) {});
  EXPECT_NO_THROW(folder.check_start());
  const auto refused = [&](const std::function<void(std::vector<Stored>&)>& change) {
    folder.write(change);
    return fixture::error_of(Fault::data, [&] { folder.check_start(); });
  };
  for (std::size_t i = 0; i < folder.whole().size(); i += 3) {
    const Stored& tensor = folder.whole()[i];
    if (tensor.name.ends_with(".base_layer.weight")) continue;  // PEFT's copy of the base, compared when it is loaded
    SCOPED_TRACE(tensor.name);
    EXPECT_THAT(refused([&](auto& tensors) { tensors[i].shape.push_back(1); }), HasSubstr(tensor.name));
    if (tensor.dtype != "F32") {
      EXPECT_THAT(refused([&](auto& tensors) { tensors[i].dtype = tensor.dtype == "I32" ? "F32" : "F64"; }),
                  HasSubstr(tensor.name));
      continue;
    }
    EXPECT_THAT(refused([&](auto& tensors) { tensors[i].set(0, std::numeric_limits<float>::quiet_NaN()); }),
                HasSubstr(tensor.name));
    EXPECT_THAT(refused([&](auto& tensors) { tensors[i].name += "_other"; }), HasSubstr(tensor.name));
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, TornFolder, testing::ValuesIn(fixture::AdapterCase::all()),
                         [](const auto& of) { return of.param.name; });

methods::Adapter recipe_of(const std::string& name) {
  const auto cases = fixture::AdapterCase::all();
  return std::find_if(cases.begin(), cases.end(), [&](const auto& of) { return of.name == name; })->adapter;
}

/// Places of trained values that no file of PEFT's names.
struct Places {
  std::string name, tensor, message;
  bool one_twice = false;  ///< a place is one number
};
void PrintTo(const Places& of, std::ostream* out) { *out << of.name; }

class HostilePlaces : public testing::TestWithParam<Places> {
 protected:
  template <class Value>
  void expect_refused() const {
    const Folder folder(recipe_of(GetParam().name));
    const std::size_t index = find(folder.whole(), GetParam().tensor);
    std::vector<Value> bad{Value{-1}, std::numeric_limits<Value>::max()};
    if (GetParam().one_twice) {
      bad.emplace_back();
      std::memcpy(&bad.back(), folder.whole()[index].bytes.data() + sizeof(Value), sizeof(Value));
    }
    for (const Value place : bad) {
      folder.write([&](auto& tensors) { tensors[index].set(0, place); });
      EXPECT_THAT(fixture::error_of(Fault::data, [&] { folder.load(); }), HasSubstr(GetParam().message)) << place;
    }
  }
};

TEST_P(HostilePlaces, AreRefused) {
  if (GetParam().name == "frod" || GetParam().name == "unilora_indices")
    expect_refused<std::int64_t>();
  else
    expect_refused<std::int32_t>();
}

INSTANTIATE_TEST_SUITE_P(Methods, HostilePlaces,
                         testing::Values(Places{"supertuning", "supertuning_indices", "outside of the weight", true},
                                         Places{"frod", "frod_s_indices", "outside of the sparse matrix"},
                                         Places{"unilora_indices", "unilora_indices_B", "outside of unilora_theta_d"}),
                         [](const auto& of) { return of.param.name; });

TEST(HostileFrod, ABasisThatIsNoneIsRefused) {
  const Folder folder(recipe_of("frod"));
  const std::size_t size = find(folder.whole(), "frod_s_size");
  folder.write([&](auto& tensors) { tensors[size].set(0, std::int64_t{1} << 40); });
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { folder.load(); }), HasSubstr("frod_s_size"));
}

/// PEFT writes the matrices that layers share with every layer once more.
TEST(RandloraOfPeft, HasCopiesThatAreCompared) {
  const Folder folder(recipe_of("randlora"));
  const Stored shared = folder.whole()[find(folder.whole(), "randlora_A")];
  const auto write = [&](const std::function<void(Stored&)>& change) {
    folder.write([&](auto& tensors) {
      tensors.push_back(shared);
      tensors.back().name = "base_model.model.model.layers.1.mlp.down_proj.randlora_A";
      change(tensors.back());
    });
  };
  write([](Stored&) {});
  EXPECT_NO_THROW(folder.check_start());
  EXPECT_NO_THROW(folder.load());
  write([](Stored& copy) { copy.set(1, 0.5F); });
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { folder.load(); }), HasSubstr("has other values than"));
  write([](Stored& copy) { copy.shape.push_back(1); });
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { folder.check_start(); }), HasSubstr("down_proj.randlora_A"));
}

}  // namespace
}  // namespace pst::peft
