// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pst::jinja {

/// The day that strftime_now() is told it is; the time is then 00:00:00.
struct Day {
  int year = 1970, month = 1, day = 1;
};
Day today();  ///< by the machine's clock, in its time zone

/// Bytes [begin, end) of a text that stand in `{% generation %}`.
struct GeneratedPart {
  std::size_t begin = 0, end = 0;
};

/// What a template gives.
struct MarkedText {
  std::string text;
  std::vector<GeneratedPart> generated;  ///< in the order of the text
};

/// Jinja2 as transformers sets it up for chat templates (trim_blocks and lstrip_blocks on, loop controls,
/// `generation`). A tag, filter, test, function or method that is not supported is an error where a conversation
/// reaches it, never skipped.
class Template {
 public:
  /// @param name used in messages: `<name>:<line>: ...`. @throws Error(data) on a syntax error
  static Template parse(std::string_view source, std::string name);

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  /// @param variables an object: messages, add_generation_prompt, bos_token ...
  /// @throws Error(data) when the template calls raise_exception, or on an operation its values do not allow.
  ///         Output and steps are bounded (64 MiB, 10 million) so that a hostile template cannot take the machine.
  /// @param today  absent: strftime_now() reads the machine's clock
  std::string render(const nlohmann::ordered_json& variables, const std::optional<Day>& today = {}) const;
  /// The same with the parts that `{% generation %}` marks. @throws Error(data) also where such a part went into a text
  /// (of a macro, say) that was changed before it was printed
  MarkedText render_marked(const nlohmann::ordered_json& variables, const std::optional<Day>& today = {}) const;
  bool marks_generation() const;  ///< whether `{% generation %}` stands in it
  /// Whether strftime_now stands in it: what render() gives may then depend on the day.
  bool reads_clock() const;

 private:
  struct Impl;
  explicit Template(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::jinja
