// SPDX-License-Identifier: Apache-2.0
#pragma once
// Activations and their slopes, once for CPUs and GPUs. Whoever includes it says what a function is (PST_FORMULA) and
// brings a Math with exp(float).
#include "kernels/activation/activation.hpp"

namespace pst::kernels::formulas {

template <class Math>
PST_FORMULA float sigmoid(float x) {
  return 1.0f / (1.0f + Math::exp(-x));
}

/// The normal distribution's function at x, to 1e-7. @see Abramowitz and Stegun 1964, formula 7.1.26, for erf
template <class Math>
PST_FORMULA float normal_cdf(float x) {
  const float z = x * 0.70710678118654752f, a = z < 0.0f ? -z : z;
  const float t = 1.0f / (1.0f + 0.3275911f * a);
  const float tail = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) *
                     t * Math::exp(-a * a);
  return z < 0.0f ? 0.5f * tail : 1.0f - 0.5f * tail;
}

/// The argument of gelu's approximation, x sigmoid(w(x)), and the slope of w. @see Hendrycks and Gimpel 2016,
/// arXiv:1606.08415, section 2: 0.5 x (1 + tanh(w / 2))
PST_FORMULA float gelu_argument(float x) { return 1.5957691216057308f * (x + 0.044715f * x * x * x); }
PST_FORMULA float gelu_argument_slope(float x) { return 1.5957691216057308f * (1.0f + 0.134145f * x * x); }

template <Act kAct, class Math>
PST_FORMULA float value(float x) {
  if constexpr (kAct == Act::silu) return x / (1.0f + Math::exp(-x));
  if constexpr (kAct == Act::gelu_tanh) return x * sigmoid<Math>(gelu_argument(x));
  if constexpr (kAct == Act::gelu) return x * normal_cdf<Math>(x);
  const float positive = x > 0.0f ? x : 0.0f;
  return kAct == Act::relu2 ? positive * positive : positive;
}

template <Act kAct, class Math>
PST_FORMULA float slope(float x) {
  if constexpr (kAct == Act::silu) {
    const float s = sigmoid<Math>(x);
    return s * (1.0f + x * (1.0f - s));
  }
  if constexpr (kAct == Act::gelu_tanh) {
    const float s = sigmoid<Math>(gelu_argument(x));
    return s * (1.0f + x * (1.0f - s) * gelu_argument_slope(x));
  }
  if constexpr (kAct == Act::gelu) return normal_cdf<Math>(x) + x * 0.39894228040143268f * Math::exp(-0.5f * x * x);
  if constexpr (kAct == Act::relu2) return x > 0.0f ? 2.0f * x : 0.0f;
  return x > 0.0f ? 1.0f : 0.0f;
}

inline constexpr float kSteepness = 1.702f;  // of Act::clamped

template <Act kAct, class Math>
PST_FORMULA float gated_value(float gate, float up, float limit) {
  if constexpr (kAct == Act::clamped) {
    const float g = gate < limit ? gate : limit;
    const float below = up < limit ? up : limit, u = below > -limit ? below : -limit;
    return (u + 1.0f) * g * sigmoid<Math>(kSteepness * g);
  }
  return value<kAct, Math>(gate) * up;
}

struct GatedGradients {
  float gate, up;
};

/// Of the inputs, where `d` is that of gated_value(). The order of silu's factors is that in which earlier versions
/// multiplied: runs go on with the same bits.
template <Act kAct, class Math>
PST_FORMULA GatedGradients gated_gradients(float d, float gate, float up, float limit) {
  if constexpr (kAct == Act::silu) {
    const float s = sigmoid<Math>(gate);
    return {d * up * s * (1.0f + gate * (1.0f - s)), d * gate * s};
  }
  if constexpr (kAct == Act::clamped) {
    const float g = gate < limit ? gate : limit;
    const float below = up < limit ? up : limit, u = below > -limit ? below : -limit;
    const float s = sigmoid<Math>(kSteepness * g);
    return {gate > limit ? 0.0f : d * ((u + 1.0f) * s * (1.0f + kSteepness * g * (1.0f - s))),
            up > limit || up < -limit ? 0.0f : d * (g * s)};
  }
  return {d * (slope<kAct, Math>(gate) * up), d * value<kAct, Math>(gate)};
}

/// Calls body.template operator()<act>().
template <class Body>
auto with_act(Act act, const Body& body) {
  switch (act) {
    case Act::silu: return body.template operator()<Act::silu>();
    case Act::gelu_tanh: return body.template operator()<Act::gelu_tanh>();
    case Act::gelu: return body.template operator()<Act::gelu>();
    case Act::relu: return body.template operator()<Act::relu>();
    case Act::relu2: return body.template operator()<Act::relu2>();
    case Act::clamped: break;
  }
  return body.template operator()<Act::clamped>();
}

}  // namespace pst::kernels::formulas
