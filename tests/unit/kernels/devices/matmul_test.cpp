// SPDX-License-Identifier: Apache-2.0
// Products by cuBLASLt, on a GPU, against sums in double.
#include <algorithm>

#include "core/strings.hpp"
#include "kernels/fp8/fp8.hpp"
#include "support/devices.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

using namespace fixture;

class Matmul : public OnEveryDevice {
 public:
  void SetUp() override {
    OnEveryDevice::SetUp();
    if (IsSkipped()) return;
    if (table().matmul == nullptr) GTEST_SKIP() << "the work is cuBLASLt's, which no CPU plays";
    workspace_.emplace(table(), std::vector<std::uint8_t>(kWorkspace));
    cuda::Product tiny = product(*workspace_, *workspace_, *workspace_, 16, 16, 16);
    if (multiply(tiny) == cuda::kNotHere) GTEST_SKIP() << "there is no libcublasLt here: it comes with torch's wheels";
  }

  /// Stored without gaps and straight.
  static cuda::Product product(View a, View b, View out, std::int64_t m, std::int64_t n, std::int64_t k) {
    return {.m = m,
            .n = n,
            .k = k,
            .a = a.data,
            .b = b.data,
            .out = out.data,
            .a_stride = k,
            .b_stride = n,
            .out_stride = n};
  }
  int multiply(const cuda::Product& product) const {
    return table().matmul(nullptr, product, workspace_->view().data, kWorkspace);
  }

 private:
  static constexpr std::size_t kWorkspace = std::size_t{32} << 20;
  std::optional<DeviceArray<std::uint8_t>> workspace_;
};
PST_ON_EVERY_DEVICE(Matmul);

struct Form {
  bool a_transposed, b_transposed, wide;  // wide: sums of bf16 factors stay f32
  float alpha, beta;
};

template <class In, class Out>
void matches_double(const Matmul& at, std::int64_t m, std::int64_t n, std::int64_t k, const Form& form) {
  SCOPED_TRACE(cat(m, " x ", k, " x ", n, ", transposed ", form.a_transposed, form.b_transposed, ", ", sizeof(In),
                   " to ", sizeof(Out), " bytes"));
  const auto size = [](std::int64_t rows, std::int64_t columns) { return static_cast<std::size_t>(rows * columns); };
  const auto a = as_type<In>(random_values(size(m, k), 1)), b = as_type<In>(random_values(size(k, n), 2));
  auto out = as_type<Out>(random_values(size(m, n), 3));
  const DeviceArray<In> d_a(at.table(), a), d_b(at.table(), b);
  const DeviceArray<Out> d_out(at.table(), out), d_again(at.table(), out);
  std::vector<double> expected(out.size());
  for (std::int64_t row = 0; row < m; ++row)
    for (std::int64_t column = 0; column < n; ++column) {
      double sum = 0;
      for (std::int64_t i = 0; i < k; ++i)
        sum += number(a[size(form.a_transposed ? i : row, form.a_transposed ? m : k) +
                        static_cast<std::size_t>(form.a_transposed ? row : i)]) *
               number(b[size(form.b_transposed ? column : i, form.b_transposed ? k : n) +
                        static_cast<std::size_t>(form.b_transposed ? i : column)]);
      const std::size_t here = size(row, n) + static_cast<std::size_t>(column);
      expected[here] = static_cast<double>(form.alpha) * sum + static_cast<double>(form.beta) * number(out[here]);
    }

  cuda::Product product = Matmul::product(d_a, d_b, d_out, m, n, k);
  product.a_transposed = form.a_transposed;
  product.b_transposed = form.b_transposed;
  if (form.a_transposed) product.a_stride = m;
  if (form.b_transposed) product.b_stride = k;
  product.in = dtype_of<In>();
  product.out_dtype = dtype_of<Out>();
  product.alpha = form.alpha;
  product.beta = form.beta;
  ASSERT_EQ(at.multiply(product), 0);
  product.out = d_again.view().data;
  ASSERT_EQ(at.multiply(product), 0);

  const auto actual = d_out.values();
  expect_same_bits(d_again.values(), actual);
  constexpr bool kRounds = std::is_same_v<Out, bf16>;
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(number(actual[i]), expected[i], kRounds ? 0.02 + std::abs(expected[i]) / 128 : 1e-4);
}

TEST_P(Matmul, EveryForm) {
  for (const Form& form : {Form{false, true, false, 1, 0},
                           {false, false, false, 1, 0},
                           {true, false, false, 1, 0},
                           {false, true, false, 0.37f, 1},
                           {true, false, true, 1, 1}})
    for (const auto& [m, n, k] : {std::tuple{64, 16, 192}, {96, 160, 16}, {33, 48, 64}, {7, 20, 36}, {130, 64, 96}}) {
      matches_double<float, float>(*this, m, n, k, form);
      matches_double<bf16, bf16>(*this, m, n, k, form);
      matches_double<bf16, float>(*this, m, n, k, form);
    }
}

TEST_P(Matmul, CodesWithTheirScales) {
  CudaDevice device;
  ASSERT_EQ(table().describe(0, &device), 0);
  if (device.major * 10 + device.minor < 89) GTEST_SKIP() << device.name << " does not multiply 8-bit floats";
  for (const auto& [m, n, k] : {std::tuple{64, 32, 128}, {50, 160, 64}, {16, 16, 16}}) {
    SCOPED_TRACE(cat(m, " x ", k, " x ", n));
    const auto quantised = [](std::int64_t rows, std::int64_t width, std::uint64_t seed) {
      auto values = random_values(static_cast<std::size_t>(rows * width), seed);
      std::pair<std::vector<std::uint8_t>, std::vector<float>> made{values.size(), static_cast<std::size_t>(rows)};
      fp8_quantise(serial_cpu(), view_of(std::span(values)), {}, width, view_of(std::span(made.first)),
                   view_of(std::span(made.second)));
      return made;
    };
    auto [a, a_scales] = quantised(m, k, 1);
    auto [b, b_scales] = quantised(n, k, 2);
    std::vector<float> a_values(a.size()), b_values(b.size());
    fp8_dequantise(serial_cpu(), view_of(std::span(a)), view_of(std::span(a_scales)), k, 0,
                   view_of(std::span(a_values)));
    fp8_dequantise(serial_cpu(), view_of(std::span(b)), view_of(std::span(b_scales)), k, 0,
                   view_of(std::span(b_values)));
    const DeviceArray<std::uint8_t> d_a(table(), a), d_b(table(), b);
    const DeviceArray<float> d_a_scales(table(), a_scales), d_b_scales(table(), b_scales);
    const DeviceArray<bf16> d_out(table(), std::vector<bf16>(static_cast<std::size_t>(m * n)));

    cuda::Product codes = product(d_a, d_b, d_out, m, n, k);
    codes.b_transposed = true;
    codes.b_stride = k;
    codes.in = Dtype::u8;
    codes.a_scales = static_cast<const float*>(d_a_scales.view().data);
    codes.b_scales = static_cast<const float*>(d_b_scales.view().data);
    ASSERT_EQ(multiply(codes), 0);

    const auto actual = d_out.values();
    for (std::size_t row = 0; row < static_cast<std::size_t>(m); ++row)
      for (std::size_t column = 0; column < static_cast<std::size_t>(n); ++column) {
        const auto width = static_cast<std::size_t>(k);
        double sum = 0;
        for (std::size_t i = 0; i < width; ++i)
          sum += number(a_values[row * width + i]) * number(b_values[column * width + i]);
        ASSERT_NEAR(number(actual[row * static_cast<std::size_t>(n) + column]), sum, 0.01 + std::abs(sum) / 128);
      }
  }
}

}  // namespace
}  // namespace pst::kernels
