// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pst::jinja {

/// The day that strftime_now() is told it is; the time is then 00:00:00.
struct Day {
  int year = 1970, month = 1, day = 1;
};
Day today();  ///< by the machine's clock, in its time zone

/// The part of Jinja2 that chat templates are written in (trim_blocks and lstrip_blocks on, loop controls,
/// `generation`). A tag, filter, test or function that is not known is an error when the template is parsed, never
/// skipped.
class Template {
 public:
  /// @param name used in messages: `<name>:<line>: ...`. @throws Error(data) on a syntax error or an unknown name
  static Template parse(std::string_view source, std::string name);

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  /// @param variables an object: messages, add_generation_prompt, bos_token ...
  /// @throws Error(data) when the template calls raise_exception, or on an operation its values do not allow.
  ///         Output and steps are bounded (64 MiB, 10 million) so that a hostile template cannot take the machine.
  /// @param today  absent: strftime_now() reads the machine's clock
  std::string render(const nlohmann::ordered_json& variables, const std::optional<Day>& today = {}) const;
  /// Whether strftime_now stands in it: what render() gives may then depend on the day.
  bool reads_clock() const;

 private:
  struct Impl;
  explicit Template(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::jinja
