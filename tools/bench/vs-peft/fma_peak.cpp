// SPDX-License-Identifier: Apache-2.0
// fma_peak [THREADS]: what the cores multiply and add when they do nothing else, in GFLOP/s, as JSON:
//   {"threads": 2, "f32": 210.3, "bf16": null}      bf16: products of avx512_bf16 summed in f32; null without it
// Each thread keeps twelve independent sums in registers, enough to hide the latency of an addition to one of them. The
// best of five tenths of a second, all threads at once.
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr int kSums = 12, kRounds = 2000;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Products of one kind for so many seconds; @return floating point operations.
using Burn = double (*)(double seconds);

// Macros: a template's body does not take the instruction set of the function that it is inlined into, and g++ 12
// leaves an array in memory.
#define PST_ALL_SUMS(step) \
  step(a) step(b) step(c) step(d) step(e) step(f) step(g) step(h) step(i) step(j) step(k) step(l)
#define PST_BURN(name, isa, Vector, start, each, step)                                         \
  __attribute__((target(isa))) double name(double seconds) {                                   \
    const Vector z = start;                                                                    \
    Vector a = z, b = z, c = z, d = z, e = z, f = z, g = z, h = z, i = z, j = z, k = z, l = z; \
    double count = 0;                                                                          \
    for (const double until = now() + seconds; now() < until; count += kRounds)                \
      for (int round = 0; round < kRounds; ++round) {                                          \
        PST_ALL_SUMS(step)                                                                     \
      }                                                                                        \
    return count * kSums * each;                                                               \
  }
// In a register, and used.
#define PST_KEPT(x) asm volatile("" : "+v"(x));
#define PST_FMA_512(x)          \
  x = _mm512_fmadd_ps(x, x, x); \
  PST_KEPT(x)
#define PST_FMA_256(x)          \
  x = _mm256_fmadd_ps(x, x, x); \
  PST_KEPT(x)
#define PST_DP_512(x)                                                                        \
  x = _mm512_dpbf16_ps(x, __builtin_bit_cast(__m512bh, z), __builtin_bit_cast(__m512bh, z)); \
  PST_KEPT(x)
PST_BURN(f32_avx512, "avx512f", __m512, _mm512_set1_ps(1e-9f), 32.0, PST_FMA_512)
PST_BURN(f32_avx2, "avx2,fma", __m256, _mm256_set1_ps(1e-9f), 16.0, PST_FMA_256)
PST_BURN(bf16_avx512, "avx512f,avx512bf16", __m512, _mm512_set1_ps(1e-9f), 64.0, PST_DP_512)

double gflops(Burn what, int threads) {
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    std::vector<double> operations(static_cast<std::size_t>(threads));
    std::vector<std::thread> all;
    const double began = now();
    for (auto& one : operations) all.emplace_back([&one, what] { one = what(0.1); });
    for (auto& thread : all) thread.join();
    double sum = 0;
    for (const double one : operations) sum += one;
    best = std::max(best, sum / (now() - began) / 1e9);
  }
  return best;
}

}  // namespace

int main(int count, char** words) {
  const int threads = count > 1 ? std::atoi(words[1]) : static_cast<int>(std::thread::hardware_concurrency());
  const Burn f32 = __builtin_cpu_supports("avx512f")                                 ? f32_avx512
                   : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? f32_avx2
                                                                                     : nullptr;
  if (threads < 1 || f32 == nullptr) {
    std::fprintf(stderr, threads < 1 ? "usage: fma_peak [THREADS]\n" : "fma_peak: this CPU has no AVX2\n");
    return 64;
  }
  std::printf("{\"threads\": %d, \"f32\": %.1f, \"bf16\": ", threads, gflops(f32, threads));
  if (__builtin_cpu_supports("avx512bf16"))
    std::printf("%.1f}\n", gflops(bf16_avx512, threads));
  else
    std::printf("null}\n");
}
