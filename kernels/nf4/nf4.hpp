// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

#include "core/exec.hpp"
#include "core/view.hpp"

// 4-bit NormalFloat: a matrix, read as one row of n values, is cut into blocks of 64; a value is kept as the index of
// the nearest of 16 levels after division by the largest magnitude of its block ("absmax"). Blocks run over row ends.
// Codes, absmax and values are those of bitsandbytes' CPU backend (0.50), bit for bit.
// @see Dettmers et al. 2023, arXiv:2305.14314, section 3 and appendix E
namespace pst::kernels {

inline constexpr std::int64_t kNf4Block = 64;      ///< values that share an absmax
inline constexpr std::int64_t kDoubleBlock = 256;  ///< absmax values that share a scale when they are quantised too

/// Level of each code; ascending, code 7 is zero.
inline constexpr std::array<float, 16> kNf4Levels = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

/// Blocks of `block` values that n values make; the last one may be shorter ("ragged").
constexpr std::int64_t blocks_of(std::int64_t n, std::int64_t block) { return (n + block - 1) / block; }

/// absmax[b] = max |value| of block b; of a ragged last block at least 1e-38f (bitsandbytes keeps that floor only
/// there). A block that holds a NaN or an infinity gets an absmax that is not finite; no value is lost otherwise.
/// @param values  f32 or bf16 [n]; starts at a block's first value. Ragged when n is no multiple of `block`
/// @param absmax  f32 [blocks_of(n, block)]
/// @throws Error(bug) on a mismatch
void nf4_absmax(const Exec& on, ConstView values, std::int64_t block, View absmax);

/// Codes of values [first, first + values.count) of a matrix of n values.
/// In a full block x = value * (1 / max(absmax, 1e-38f)), both operations rounded to f32; in a ragged one
/// x = value / absmax; clamped to [-1, 1]. The code is the number of midpoints (level[c] + level[c + 1]) / 2, in f32,
/// that are smaller than x: a tie goes to the lower code. The even value of a pair is in the high nibble of its byte;
/// the nibble after an odd n is 7.
/// @param values  f32 or bf16 [count]
/// @param first   even
/// @param n       first + count <= n, and equal to it unless count is even
/// @param absmax  f32 [blocks_of(n, block)], of the whole matrix, finite
/// @param packed  u8 [(count + 1) / 2]: bytes [first / 2, ...) of the matrix
/// @throws Error(bug) on a mismatch
void nf4_encode(const Exec& on, ConstView values, std::int64_t first, std::int64_t n, ConstView absmax,
                std::int64_t block, View packed);

/// Both of the above for a whole matrix. @param values [n] @param packed u8 [(n + 1) / 2] @param absmax f32
/// [blocks_of(n, block)]
void nf4_quantise(const Exec& on, ConstView values, std::int64_t block, View packed, View absmax);

/// Values [first, first + out.count) of a matrix: out = level[code] * absmax[index / block], rounded to f32 and, for a
/// bf16 out, to bf16 from there.
/// @param packed  u8, of the whole matrix: at least (first + out.count + 1) / 2
/// @param absmax  f32 [blocks], of the whole matrix
/// @param out     f32 or bf16 [count]; any first, any count
/// @throws Error(bug) on a mismatch; `out` is then untouched
void nf4_dequantise(const Exec& on, ConstView packed, ConstView absmax, std::int64_t block, std::int64_t first,
                    View out);

/// The same as one plain loop: what the test of every faster version compares with.
void nf4_dequantise_reference(ConstView packed, ConstView absmax, std::int64_t block, std::int64_t first, View out);

// Double quantisation: absmax, less its mean, is quantised itself, to 8 bits in blocks of 256.

/// bitsandbytes' signed dynamic 8-bit map, ascending: seven decades, each with twice the steps of the smaller one. As
/// on a CPU with FMA: elsewhere torch gives some entries another last bit, so a file's own map counts when it is read.
/// @see Dettmers 2016, arXiv:1511.04561, section 2.3
enum class Signs { both, positive };  ///< positive: a map without negative entries, twice as fine
const std::array<float, 256>& dynamic_map(Signs signs = Signs::both);

/// The map's entry for each of 65,536 places from -1 to 1, as bitsandbytes' CPU code looks it up: double_quantise().
using NearestEntries = std::array<std::uint8_t, 65536>;
const NearestEntries& nearest_entries(Signs signs);

/// The mean of absmax values as the offset of double quantisation. The order of additions is that of ATen's sum on one
/// thread with vectors of 8, whatever the machine: sums of fewer than 32,768 values are then torch's bits on AVX2
/// (torch itself adds in another order with AVX-512 or with several threads).
/// @param absmax f32 [m], host memory, m >= 1
float absmax_mean(ConstView absmax);

/// scale[j] = max |absmax - offset| of block j; then the code of x = (absmax - offset) * (1 / scale), clamped to [-1,
/// 1]: the map's entry nearest to g(i) = i * 2 / 65535 - 1 where i = floor((x + 1) / 2 * 65535 + 0.5), the lower entry
/// in a tie; 0 throughout a block whose scale is 0. All in f32.
/// @param absmax  f32 [m], finite
/// @param offset  f32 [1]
/// @param codes   u8 [m]
/// @param scale   f32 [blocks_of(m, kDoubleBlock)]
void double_quantise(const Exec& on, ConstView absmax, ConstView offset, View codes, View scale);

/// out = map[code] * scale[index / 256] + offset, each operation rounded: absmax values [first, first + out.count).
/// @param codes   u8, scale f32: of the whole matrix
/// @param map     f32 [256]
/// @param offset  f32 [1]
/// @param out     f32 [count]
void double_dequantise(const Exec& on, ConstView codes, ConstView scale, ConstView map, ConstView offset,
                       std::int64_t first, View out);

}  // namespace pst::kernels
