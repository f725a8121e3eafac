// SPDX-License-Identifier: Apache-2.0
// Attention of one document by cuDNN, on a GPU, against sums in double.
#include <array>
#include <thread>

#include "core/strings.hpp"
#include "support/devices.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

using namespace fixture;
using cuda::OneDocument;

class DocumentAttention : public OnEveryDevice {
 public:
  void SetUp() override {
    OnEveryDevice::SetUp();
    if (IsSkipped()) return;
    if (table().document_attention == nullptr)
      GTEST_SKIP() << "the work is cuDNN's, which no CPU plays, or libpst_cuda.so was built without its headers";
    CudaDevice device;
    ASSERT_EQ(table().describe(0, &device), 0);
    if (device.major != 9) GTEST_SKIP() << device.name << " is not of compute capability 9";
    std::int64_t bytes = 0;
    const int error = table().document_attention_needs({1024, 4, 2, 64}, &bytes, &bytes);
    if (error == cuda::kNotHere)
      GTEST_SKIP() << "there is no libcudnn of version 9.19 or newer here: it comes with torch's wheels";
    ASSERT_EQ(error, 0) << table().error_text(error);
  }
};
PST_ON_EVERY_DEVICE(DocumentAttention);

// ---- the reference

using Doubles = std::vector<double>;
struct Reference {
  Doubles out, log_sum_exp, dq, dk, dv;
};

/// Some sums at once, so that the compiler may use vectors.
double dot(const double* a, const double* b, std::size_t count) {
  std::array<double, 8> sums{};
  for (std::size_t i = 0; i < count; i += 8)
    for (std::size_t j = 0; j < 8; ++j) sums[j] += a[i + j] * b[i + j];
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}
void add_scaled(double* to, double factor, const double* from, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] += factor * from[i];
}

/// [rows, dim] of one head of rows with `heads` of them.
Doubles head_of(const std::vector<bf16>& rows, std::size_t heads, std::size_t head, std::size_t dim) {
  Doubles out;
  for (std::size_t begin = head * dim; begin < rows.size(); begin += heads * dim)
    for (std::size_t i = 0; i < dim; ++i) out.push_back(number(rows[begin + i]));
  return out;
}

/// One query head: its out, dq, and what it adds to the gradients of its key/value head.
Reference reference_of_head(const Doubles& q, const Doubles& k, const Doubles& v, const Doubles& dout,
                            std::size_t dim) {
  const std::size_t rows = q.size() / dim;
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  const auto row = [dim](auto& of, std::size_t i) { return of.data() + i * dim; };
  Reference r{Doubles(q.size()), Doubles(rows), Doubles(q.size()), Doubles(q.size()), Doubles(q.size())};
  Doubles p(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    double largest = -1e300, sum = 0;
    for (std::size_t j = 0; j <= i; ++j) largest = std::max(largest, p[j] = scale * dot(row(q, i), row(k, j), dim));
    for (std::size_t j = 0; j <= i; ++j) sum += p[j] = std::exp(p[j] - largest);
    r.log_sum_exp[i] = largest + std::log(sum);
    for (std::size_t j = 0; j <= i; ++j) add_scaled(row(r.out, i), p[j] /= sum, row(v, j), dim);
    const double mean = dot(row(dout, i), row(r.out, i), dim);
    for (std::size_t j = 0; j <= i; ++j) {
      const double ds = p[j] * (dot(row(dout, i), row(v, j), dim) - mean) * scale;
      add_scaled(row(r.dq, i), ds, row(k, j), dim);
      add_scaled(row(r.dk, j), ds, row(q, i), dim);
      add_scaled(row(r.dv, j), p[j], row(dout, i), dim);
    }
  }
  return r;
}

/// sqrt(|found - expected|^2 / |expected|^2) over one head; NaN where `found` has one.
template <class T>
double relative_error(const std::vector<T>& found, const Doubles& expected, std::size_t heads, std::size_t head,
                      std::size_t dim) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double value = number(found[(i / dim * heads + head) * dim + i % dim]);
    difference += (value - expected[i]) * (value - expected[i]);
    size += expected[i] * expected[i];
  }
  return std::sqrt(difference / size);
}

// ---- what runs on the GPU

/// Rows with as many rows of NaN behind them as the next plan's number of rows could make anybody touch.
template <class T>
class Rows {
 public:
  Rows(const CudaTable& table, std::vector<T> values, std::size_t width)
      : count_(values.size()), array_(table, guarded(std::move(values), width)) {}
  /// Not yet written.
  Rows(const CudaTable& table, std::size_t rows, std::size_t width) : Rows(table, nan(rows * width), width) {}

  View view() const { return array_.view().part(0, static_cast<std::int64_t>(count_)); }
  operator View() const { return view(); }
  operator ConstView() const { return view(); }
  std::vector<T> values() const {
    std::vector<T> all = array_.values();
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(count_);
    const std::vector<T> behind(end, all.end()), expected = nan(all.size() - count_);
    EXPECT_EQ(std::memcmp(behind.data(), expected.data(), behind.size() * sizeof(T)), 0)
        << "memory behind the rows was written";
    all.erase(end, all.end());
    return all;
  }

 private:
  static constexpr std::size_t kGuard = 1100;
  static std::vector<T> nan(std::size_t count) {
    std::vector<T> values(count);
    std::memset(static_cast<void*>(values.data()), 0xff, count * sizeof(T));
    return values;
  }
  static std::vector<T> guarded(std::vector<T> values, std::size_t width) {
    const std::vector<T> behind = nan(kGuard * width);
    values.insert(values.end(), behind.begin(), behind.end());
    return values;
  }
  std::size_t count_;
  DeviceArray<T> array_;
};

struct Gradients {
  std::vector<bf16> q, k, v;
};

/// One document's arrays, on the host and on the GPU.
class Case {
 public:
  Case(const CudaTable& table, const OneDocument& shape)
      : table_(table),
        shape_(shape),
        rows_(static_cast<std::size_t>(shape.rows)),
        q_width_(static_cast<std::size_t>(shape.heads * shape.dim)),
        k_width_(static_cast<std::size_t>(shape.key_value_heads * shape.dim)),
        heads_(static_cast<std::size_t>(shape.heads)) {
    const int error = table.document_attention_needs(shape, &forward_bytes_, &backward_bytes_);
    EXPECT_EQ(error, 0) << table.error_text(error);
  }

  void matches_double() {
    const Rows<bf16> q(table_, host_q, q_width_), k(table_, host_k, k_width_), v(table_, host_v, k_width_),
        dout(table_, host_dout, q_width_), out(table_, rows_, q_width_), out_again(table_, rows_, q_width_);
    const Rows<float> log_sum_exp(table_, rows_, heads_), log_sum_exp_again(table_, rows_, heads_);
    forward(q, k, v, out, log_sum_exp, 0xff);
    forward(q, k, v, out_again, log_sum_exp_again, 0x3c);
    expect_same_bits(out_again.values(), out.values());
    expect_same_bits(log_sum_exp_again.values(), log_sum_exp.values());

    const Gradients first = backward(dout, q, k, v, out, log_sum_exp, 0xff);
    for (const unsigned char garbage : {0x00, 0x3c, 0x81, 0xff}) {
      const Gradients again = backward(dout, q, k, v, out, log_sum_exp, garbage);
      expect_same_bits(again.q, first.q);
      expect_same_bits(again.k, first.k);
      expect_same_bits(again.v, first.v);
    }
    for (const Rows<bf16>* const input : {&q, &k, &v, &dout}) input->values();  // looks behind them
    compare(out.values(), log_sum_exp.values(), first);
  }

 private:
  DeviceArray<std::uint8_t> workspace(std::int64_t bytes, unsigned char garbage) const {
    return {table_, std::vector<std::uint8_t>(static_cast<std::size_t>(bytes), garbage)};
  }
  void forward(View q, View k, View v, View out, View log_sum_exp, unsigned char garbage) const {
    const auto space = workspace(forward_bytes_, garbage);
    const int error = table_.document_attention(nullptr, shape_, q, k, v, out, log_sum_exp, space);
    ASSERT_EQ(error, 0) << table_.error_text(error);
    ASSERT_EQ(table_.wait(nullptr), 0);
    space.values();  // looks around it
  }
  Gradients backward(View dout, View q, View k, View v, View out, View log_sum_exp, unsigned char garbage) const {
    const auto space = workspace(backward_bytes_, garbage);
    const Rows<bf16> dq(table_, rows_, q_width_), dk(table_, rows_, k_width_), dv(table_, rows_, k_width_);
    const int error =
        table_.document_attention_backward(nullptr, shape_, dout, q, k, v, out, log_sum_exp, dq, dk, dv, space);
    EXPECT_EQ(error, 0) << table_.error_text(error);
    EXPECT_EQ(table_.wait(nullptr), 0);
    space.values();
    return {dq.values(), dk.values(), dv.values()};
  }

  void compare(const std::vector<bf16>& out, const std::vector<float>& log_sum_exp, const Gradients& found) const {
    const auto dim = static_cast<std::size_t>(shape_.dim), keys = static_cast<std::size_t>(shape_.key_value_heads);
    std::vector<Reference> expected(heads_);
    {
      std::vector<std::jthread> threads;
      for (std::size_t head = 0; head < heads_; ++head)
        threads.emplace_back([&, head] {
          const std::size_t key = head / (heads_ / keys);
          expected[head] =
              reference_of_head(head_of(host_q, heads_, head, dim), head_of(host_k, keys, key, dim),
                                head_of(host_v, keys, key, dim), head_of(host_dout, heads_, head, dim), dim);
        });
    }
    for (std::size_t head = 0; head < heads_; ++head) {
      SCOPED_TRACE(cat("query head ", head));
      EXPECT_LE(relative_error(out, expected[head].out, heads_, head, dim), 1e-2);
      EXPECT_LE(relative_error(log_sum_exp, expected[head].log_sum_exp, heads_, head, 1), 1e-3);
      EXPECT_LE(relative_error(found.q, expected[head].dq, heads_, head, dim), 1e-2);
    }
    for (std::size_t key = 0; key < keys; ++key) {
      SCOPED_TRACE(cat("key/value head ", key));
      const std::size_t group = heads_ / keys;
      Doubles dk(rows_ * dim), dv(rows_ * dim);
      for (std::size_t head = key * group; head < (key + 1) * group; ++head) {
        add_scaled(dk.data(), 1, expected[head].dk.data(), dk.size());
        add_scaled(dv.data(), 1, expected[head].dv.data(), dv.size());
      }
      EXPECT_LE(relative_error(found.k, dk, keys, key, dim), 1e-2);
      EXPECT_LE(relative_error(found.v, dv, keys, key, dim), 1e-2);
    }
  }

  std::vector<bf16> random(std::size_t width, std::uint64_t seed) const {
    std::vector<float> values = random_values(rows_ * width, seed);
    for (float& value : values) value *= 2;  // so that some keys matter more than others
    return as_type<bf16>(values);
  }

  const CudaTable& table_;
  OneDocument shape_;
  std::size_t rows_, q_width_, k_width_, heads_;
  std::vector<bf16> host_q = random(q_width_, 1), host_k = random(k_width_, 2), host_v = random(k_width_, 3),
                    host_dout = random(q_width_, 4);
  std::int64_t forward_bytes_ = 0, backward_bytes_ = 0;
};

TEST_P(DocumentAttention, MatchesDoubleAndRepeatsItsBits) {
  for (const std::int64_t dim : {64, 128})
    for (const std::int64_t rows : {512, 700, 1024, 1500, 2048}) {
      SCOPED_TRACE(cat(rows, " rows, heads of ", dim));
      Case(table(), {rows, 4, 2, dim}).matches_double();
      if (HasFatalFailure()) return;
    }
}

TEST_P(DocumentAttention, OtherHeads) {
  for (const OneDocument& shape : {OneDocument{700, 4, 2, 80}, {513, 3, 3, 64}, {1025, 6, 1, 128}}) {
    SCOPED_TRACE(cat(shape.rows, " rows, ", shape.heads, " heads of ", shape.dim));
    Case(table(), shape).matches_double();
    if (HasFatalFailure()) return;
  }
}

TEST_P(DocumentAttention, OtherShapesAreNoErrors) {
  std::int64_t forward_bytes = 0, backward_bytes = 0;
  const auto needs = [&](const OneDocument& shape) {
    return table().document_attention_needs(shape, &forward_bytes, &backward_bytes);
  };
  EXPECT_EQ(needs({511, 4, 2, 64}), cuda::kNotHere);     // too short to be worth it
  EXPECT_EQ(needs({1024, 4, 2, 72}), cuda::kNotHere);    // no multiple of 16
  EXPECT_EQ(needs({1024, 4, 2, 256}), cuda::kNotHere);   // too wide
  EXPECT_EQ(needs({1024, 4, 3, 64}), cuda::kNotHere);    // no whole groups
  EXPECT_EQ(needs({8193, 32, 8, 128}), cuda::kNotHere);  // more than 4 GiB of workspace
  EXPECT_EQ(needs({1024, 4, 2, 64}), 0);
  EXPECT_GT(backward_bytes, forward_bytes);
}

}  // namespace
}  // namespace pst::kernels
