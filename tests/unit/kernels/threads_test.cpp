// SPDX-License-Identifier: Apache-2.0
#include "kernels/activation/activation.hpp"
#include "kernels/adamw/adamw.hpp"
#include "kernels/cross_entropy/cross_entropy.hpp"
#include "kernels/lion/lion.hpp"
#include "kernels/reduce/reduce.hpp"
#include "kernels/rms_norm/rms_norm.hpp"
#include "kernels/rope/rope.hpp"
#include "kernels/sgd/sgd.hpp"
#include "support/values.hpp"

// What Exec promises: the same bits whatever the ranges are and whoever works on them. Operations whose own tests look
// at that already are not repeated.
namespace pst::kernels {
namespace {

using fixture::in_pieces;
using fixture::random_values;
using Values = std::vector<float>;

template <class Work>
void expect_same_bits(std::int64_t piece, const Work& work) {
  EXPECT_EQ(work(serial_cpu()), work(in_pieces(piece)));
}

TEST(Threads, CrossEntropy) {
  expect_same_bits(1, [](const Exec& on) {
    Values logits = random_values(17 * 301, 1), loss(17);
    std::vector<std::int64_t> targets;
    for (std::int64_t row = 0; row < 17; ++row) targets.push_back(row * 17);
    cross_entropy(on, view_of(std::span(logits)), view_of(std::span(targets)), view_of(std::span(loss)),
                  Gradient::in_place, 0.5, 0.1);
    return std::pair(logits, loss);
  });
}

TEST(Threads, Swiglu) {
  expect_same_bits(37, [](const Exec& on) {
    Values gate = random_values(1001, 1), up = random_values(1001, 2), dout = random_values(1001, 3);
    Values out(1001), dgate(1001), dup(1001);
    gated(on, Act::silu, view_of(std::span(gate)), view_of(std::span(up)), view_of(std::span(out)));
    gated_backward(on, Act::silu, view_of(std::span(dout)), view_of(std::span(gate)), view_of(std::span(up)),
                   view_of(std::span(dgate)), view_of(std::span(dup)));
    return std::tuple(out, dgate, dup);
  });
}

TEST(Threads, Rope) {
  expect_same_bits(2, [](const Exec& on) {
    Values x = random_values(23 * 4 * 10, 1), cosines = random_values(9 * 5, 2), sines = random_values(9 * 5, 3);
    std::vector<std::int32_t> positions;
    for (std::int32_t row = 0; row < 23; ++row) positions.push_back(row % 9);
    rope(on, view_of(std::span(x)), {.heads = 4, .dim = 10, .half = 5}, view_of(std::span(positions)),
         view_of(std::span(cosines)), view_of(std::span(sines)), Turn::back);
    return x;
  });
}

TEST(Threads, RmsNormBackward) {
  expect_same_bits(1, [](const Exec& on) {
    Values x = random_values(19 * 33, 1), dy = random_values(19 * 33, 2), weight = random_values(33, 3);
    Values dsum = random_values(19 * 33, 4), y(19 * 33), rstd(19), dx(19 * 33);
    rms_norm(on, view_of(std::span(x)), View{}, view_of(std::span(weight)), 1e-5, View{}, view_of(std::span(y)),
             view_of(std::span(rstd)));
    rms_norm_backward(on, view_of(std::span(dy)), view_of(std::span(dsum)), view_of(std::span(x)),
                      view_of(std::span(weight)), view_of(std::span(rstd)), view_of(std::span(dx)));
    return std::pair(y, dx);
  });
}

TEST(Threads, AdamW) {
  expect_same_bits(41, [](const Exec& on) {
    Values value = random_values(999, 1), gradient = random_values(999, 2), m(999), v(999);
    adamw(on, {.lr = 1e-2, .weight_decay = 0.1, .step = 1}, view_of(std::span(value)), view_of(std::span(gradient)),
          view_of(std::span(m)), view_of(std::span(v)));
    return std::tuple(value, m, v);
  });
}

TEST(Threads, Sgd) {
  expect_same_bits(41, [](const Exec& on) {
    Values value = random_values(999, 1), gradient = random_values(999, 2), momentum = random_values(999, 3);
    sgd(on, {.lr = 1e-2, .weight_decay = 0.1, .nesterov = true}, view_of(std::span(value)),
        view_of(std::span(gradient)), view_of(std::span(momentum)));
    return std::pair(value, momentum);
  });
}

TEST(Threads, Lion) {
  expect_same_bits(41, [](const Exec& on) {
    Values value = random_values(999, 1), gradient = random_values(999, 2), momentum = random_values(999, 3);
    lion(on, {.lr = 1e-2, .weight_decay = 0.1}, view_of(std::span(value)), view_of(std::span(gradient)),
         view_of(std::span(momentum)));
    return std::pair(value, momentum);
  });
}

TEST(Threads, SumOfShares) {
  expect_same_bits(29, [](const Exec& on) {
    Values shares = random_values(5 * 200, 1);
    sum_shares(on, view_of(std::span(shares)), 5);
    scale(on, view_of(std::span(shares)), 0.3);
    return shares;
  });
}

}  // namespace
}  // namespace pst::kernels
