// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>

namespace pst::tokenizer {

/// What one call may cost, in all its steps and patterns together: so much for each byte of its text, and a little to
/// begin with. tokenizer.json comes from strangers: a pattern that is slow at every byte, or forty replacements that
/// double the text, would otherwise cost a product. What models publish stays far below.
class Effort {
 public:
  explicit Effort(std::size_t text_bytes);

  /// Before that many bytes of rewritten text are made. @throws Error(data)
  void write(std::size_t bytes);
  /// Before a walk of so many steps that may be for nothing. @return false when that is too much
  bool backtrack(std::uint64_t steps);
  /// At a step of a pattern's search that has come `walked` bytes far. Throws nothing, as it is called through C.
  /// @return false when it was one too many, or the clock says so: then look_at_clock() throws
  bool step(std::size_t walked) noexcept {
    work_ += 4 + walked / kSearch;
    if (steps_left_ == 0 || (work_ >= next_look_ && is_late())) return false;
    --steps_left_;
    return true;
  }
  /// Before any search of `bytes`. @throws Error(data) when the clock, the last line, says so
  void search(std::size_t bytes) {
    work_ += kSearch + bytes / kSearch;
    if (work_ >= next_look_) look_at_clock();
  }
  /// @throws Error(data) when too much time was spent
  void look_at_clock();

 private:
  static constexpr std::uint64_t kSearch = 256;
  bool is_late() noexcept;
  double most_s() const;

  std::size_t text_bytes_, bytes_left_;
  std::uint64_t steps_left_, work_ = 0, next_look_ = 16 * kSearch;
  double started_s_ = 0, computing_from_s_ = 0;  // 0: that clock was not read yet
};

}  // namespace pst::tokenizer
