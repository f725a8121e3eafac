// SPDX-License-Identifier: Apache-2.0
// The starts that PEFT found in recorded batches; recorded by tools/parity/record_starts.py.
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "core/strings.hpp"
#include "methods/data_starts.hpp"
#include "methods/lora.hpp"
#include "peft/corda.hpp"
#include "peft/eva.hpp"
#include "peft/weight_gradients.hpp"
#include "support/parity_case.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"

namespace pst {
namespace {

namespace fs = std::filesystem;
using fixture::NamedTensors;
using methods::LoraInit;

fs::path root() { return fs::path(PST_SOURCE_DIR) / "tests/fixtures/starts"; }

/// A recorded file: an adapter section, batches, and what PEFT made of them.
class StartCase {
 public:
  explicit StartCase(const std::string& name)
      : store_(weights::TensorStore::open(root() / (name + ".safetensors"))),
        tensors_(fixture::tensors_of(root() / (name + ".safetensors"))) {
    const fs::path model = fixture::ParityCase::root() / "llama";
    const families::ModelSpec spec = families::read_model(model);
    model_ = model::load(spec, families::open_weights(model, spec), at::kFloat, 64);
    adapter_ = fixture::ParityCase::section<methods::Adapter>(store_.metadata().at("adapter"));
    layers_ = peft::places_of(*model_).linears;
  }

  nn::CausalLm& model() { return *model_; }
  const methods::Adapter& adapter() const { return adapter_; }
  const methods::Lora& keys() const { return adapter_.as<methods::Lora>(); }
  const std::vector<methods::LinearLayer>& layers() const { return layers_; }
  std::vector<methods::Studied> studied() const { return methods::studied_layers(adapter_, layers_); }
  std::int64_t batches() const { return tensors_.at("ids").size(0); }
  nn::Batch batch(std::int64_t index) const {
    const at::Tensor ids = tensors_.at("ids")[index].to(at::kInt).contiguous(),
                     labelled = tensors_.at("labelled")[index].contiguous();
    std::vector<nn::TokenSpan> spans;
    const auto length = static_cast<std::size_t>(ids.size(1));
    for (std::size_t row = 0; row < static_cast<std::size_t>(ids.size(0)); ++row)
      spans.push_back({{ids.const_data_ptr<std::int32_t>() + row * length, length},
                       {labelled.const_data_ptr<std::uint8_t>() + row * length, length}});
    return nn::make_batch(spans, model_->vocabulary());
  }
  /// PEFT's A or B of each layer, by the layer's name.
  NamedTensors expected(const char* tensor) const {
    NamedTensors all;
    const std::string prefix = cat("start.", weights::kPeftPrefix), ending = cat(".", tensor);
    for (const auto& [name, values] : tensors_)
      if (name.starts_with(prefix) && name.ends_with(ending))
        all[name.substr(prefix.size(), name.size() - prefix.size() - ending.size())] = values;
    return all;
  }
  at::Tensor weight(const methods::Studied& layer) const {
    return (*model_->linears()[layer.layer].linear)->weight(at::kFloat);
  }
  at::Tensor losses() const { return tensors_.at("steps.loss"); }
  std::map<std::string, double> pattern(const char* key) const {
    return nlohmann::json::parse(store_.metadata().at(key)).get<std::map<std::string, double>>();
  }
  std::string optimizer() const { return store_.metadata().at("optimizer"); }

 private:
  weights::TensorStore store_;
  NamedTensors tensors_;
  std::unique_ptr<nn::CausalLm> model_;
  methods::Adapter adapter_;
  std::vector<methods::LinearLayer> layers_;
};

/// The least cosine of the angles between two spaces, given by rows.
double least_cosine(const at::Tensor& a_ri, const at::Tensor& b_ri) {
  const auto basis = [](const at::Tensor& rows) { return std::get<0>(at::linalg_qr(rows.to(at::kDouble).t())); };
  return std::get<1>(at::linalg_svd(basis(a_ri).t().mm(basis(b_ri)), false)).min().item().toDouble();
}

NamedTensors eva_of(StartCase& of) {
  peft::Eva eva(of.model(), of.studied(), of.keys().eva_config);
  at::NoGradGuard no_gradients;
  for (std::int64_t pass = 0; eva.wants_more(); ++pass) {
    const nn::Batch batch = of.batch(pass == 0 ? 0 : (pass - 1) % of.batches());
    eva.before(of.keys().eva_config.use_label_mask ? batch.label_rows + 1 : at::Tensor());
    of.model().forward(batch, {}, nn::Recompute::nothing);
    eva.after();
  }
  return eva.result();
}

/// The loss before each of five steps on the model's documents, from such a start.
/// @param rounding  of the largest; the first, before anything has moved, is the base's
void expect_losses(const StartCase& of, methods::Adapter adapter, const NamedTensors& a, const NamedTensors& b,
                   double rounding = 1e-3) {
  const fixture::TemporaryDirectory dir;
  std::vector<at::Tensor> kept;
  std::vector<weights::NewTensor> tensors;
  for (const auto& [of_layers, name] : {std::pair{&a, methods::kLoraA}, {&b, methods::kLoraB}})
    for (const auto& [layer, values] : *of_layers) {
      kept.push_back(values.contiguous());
      const View view = ops::view_of(kept.back());
      tensors.push_back({weights::adapter_tensor_name(cat(layer, ".", name)),
                         "F32",
                         values.sizes().vec(),
                         {static_cast<const std::byte*>(view.data), view.bytes()}});
    }
  weights::save_tensors(dir / "start.safetensors", tensors);
  adapter.as<methods::Lora>().start_values = (dir / "start.safetensors").string();
  const at::AutoGradMode recording(true);
  const at::Tensor losses = fixture::ParityCase("llama").trained_from_start(adapter, of.optimizer()).at("steps.loss");
  EXPECT_THAT(losses, fixture::close_to(of.losses(), rounding * of.losses().max().item().toDouble())) << losses;
  EXPECT_NEAR(losses[0].item().toDouble(), of.losses()[0].item().toDouble(), 1e-4);
}

class RecordedEva : public testing::TestWithParam<std::string> {};

TEST_P(RecordedEva, DirectionsRanksAndScales) {
  StartCase of(GetParam());
  const NamedTensors expected = of.expected(methods::kLoraA), found = eva_of(of);

  std::map<std::string, std::int64_t> ranks;
  std::set<std::int64_t> kinds;
  EXPECT_EQ(found.size(), expected.size());
  for (const auto& [layer, a_ri] : expected) {
    ASSERT_TRUE(found.contains(layer)) << layer;
    ASSERT_EQ(found.at(layer).sizes(), a_ri.sizes()) << layer;
    EXPECT_GT(least_cosine(found.at(layer), a_ri), 0.999) << layer;
    // The same steps, dtypes and random numbers: the values too, signs among them.
    EXPECT_THAT(found.at(layer), fixture::close_to(a_ri, 1e-3 * a_ri.abs().max().item().toDouble())) << layer;
    ranks[layer] = a_ri.size(0);
    kinds.insert(a_ri.size(0));
  }
  EXPECT_GT(kinds.size(), 1u) << "no rank was shared out";

  const methods::Adapter with_ranks = methods::with_ranks(of.adapter(), of.layers(), ranks);
  const auto& keys = with_ranks.as<methods::Lora>();
  std::map<std::string, double> rank_pattern;
  for (const auto& [layer, rank] : keys.rank_pattern) rank_pattern[layer] = rank;
  EXPECT_EQ(rank_pattern, of.pattern("rank_pattern"));
  EXPECT_EQ(keys.alpha_pattern, of.pattern("alpha_pattern"));
  expect_losses(of, with_ranks, found, {});
}

class RecordedCorda : public testing::TestWithParam<std::string> {};

TEST_P(RecordedCorda, BothFactors) {
  StartCase of(GetParam());
  const std::vector<methods::Studied> layers = of.studied();
  peft::Covariances covariances(of.model(), layers);
  at::NoGradGuard no_gradients;
  for (std::int64_t sample = 0; sample < of.batches(); ++sample) {
    covariances.before();
    of.model().forward(of.batch(sample), {}, nn::Recompute::nothing);
    covariances.after();
  }
  const NamedTensors expected_a = of.expected(methods::kLoraA), expected_b = of.expected(methods::kLoraB);
  NamedTensors a, b;
  ASSERT_EQ(expected_a.size(), layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string& name = layers[i].name;
    SCOPED_TRACE(name);
    const auto start = peft::corda_start(of.weight(layers[i]), covariances.mean(i), of.keys().corda_config.corda_method,
                                         layers[i].r, layers[i].scale);
    EXPECT_GT(least_cosine(start.a_ri, expected_a.at(name)), 0.999);
    EXPECT_GT(least_cosine(start.b_or.t(), expected_b.at(name).t()), 0.999);
    const at::Tensor product = expected_b.at(name).mm(expected_a.at(name));
    EXPECT_THAT(start.b_or.mm(start.a_ri), fixture::close_to(product, 1e-3 * product.abs().max().item().toDouble()));
    a[name] = start.a_ri;
    b[name] = start.b_or;
  }
  expect_losses(of, of.adapter(), a, b);
}

class RecordedLoraGa : public testing::TestWithParam<std::string> {};

TEST_P(RecordedLoraGa, DirectionsAndSizes) {
  StartCase of(GetParam());
  const std::vector<methods::Studied> layers = of.studied();
  peft::WeightGradients gradients(of.model(), layers);
  const auto objective = objective::cross_entropy();
  for (std::int64_t index = 0; index < of.batches(); ++index) {
    const nn::Batch batch = of.batch(index);
    gradients.before();
    objective->backward({of.model(), {.training = true}, nn::Recompute::layers}, batch,
                        1 / static_cast<double>(batch.labelled()));
    gradients.after();
  }
  at::NoGradGuard no_gradients;
  const NamedTensors expected_a = of.expected(methods::kLoraA), expected_b = of.expected(methods::kLoraB);
  NamedTensors a, b;
  ASSERT_EQ(expected_a.size(), layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string& name = layers[i].name;
    SCOPED_TRACE(name);
    const auto start = peft::gradient_start(
        gradients.mean(i), [&] { return of.weight(layers[i]); }, of.keys().lora_ga_config, layers[i].r, layers[i].scale,
        Rng(1));
    EXPECT_GT(least_cosine(start.a_ri, expected_a.at(name)), 0.999);
    EXPECT_GT(least_cosine(start.b_or.t(), expected_b.at(name).t()), 0.999);
    // Signs of singular vectors are the sketch's, whose random numbers are others than PEFT's; and one of as many
    // columns as it looks for, weight_svd's, finds the largest value within some percent.
    const auto sizes = [](const at::Tensor& values, std::int64_t dim) { return values.square().sum(dim).sqrt(); };
    for (const auto& [ours, theirs] : {std::pair{sizes(start.a_ri, 1), sizes(expected_a.at(name), 1)},
                                       {sizes(start.b_or, 0), sizes(expected_b.at(name), 0)}})
      EXPECT_THAT(ours, fixture::close_to(theirs, 5e-2 * theirs.max().item().toDouble()));
    a[name] = start.a_ri;
    b[name] = start.b_or;
  }
  expect_losses(of, of.adapter(), a, b, 2e-2);  // steps of Adam see the signs
}

std::vector<std::string> cases(const std::string& start) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(root()))
    if (const std::string name = entry.path().stem().string(); name.starts_with(start)) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}
std::string named(const testing::TestParamInfo<std::string>& given) { return given.param; }
INSTANTIATE_TEST_SUITE_P(Cases, RecordedEva, testing::ValuesIn(cases("eva")), named);
INSTANTIATE_TEST_SUITE_P(Cases, RecordedCorda, testing::ValuesIn(cases("corda")), named);
INSTANTIATE_TEST_SUITE_P(Cases, RecordedLoraGa, testing::ValuesIn(cases("lora_ga")), named);

}  // namespace
}  // namespace pst
