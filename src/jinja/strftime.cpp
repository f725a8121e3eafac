// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <ctime>

#include "core/strings.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {
namespace {

/// Midnight of a day.
std::tm midnight(const Day& day) {
  std::tm time{};
  time.tm_year = day.year - 1900;
  time.tm_mon = day.month - 1;
  time.tm_mday = day.day;
  ::timegm(&time);  // fills in the day of the week and of the year
  return time;
}

/// The format without what depends on the machine's time zone. A naive time of Python's writes nothing for a zone.
std::string without_zone(const std::string& format) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    const char letter = format[++i];
    if (letter == 's') refuse("strftime_now(): %s is not supported: it is another number in every time zone");
    if (letter != 'z' && letter != 'Z') out += {'%', letter};
  }
  return out;
}

std::tm local_now() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  return local;
}

}  // namespace

Day today() {
  const std::tm now = local_now();
  return {now.tm_year + 1900, now.tm_mon + 1, now.tm_mday};
}

Value strftime_now(const Given& given, const std::optional<Day>& today) {
  const auto args = given.bind("strftime_now", {"format"});
  if (!args[0] || !args[0]->text()) refuse("strftime_now() needs a text");
  const std::string& format = *args[0]->text();
  if (format.size() > 1000) refuse("strftime_now(): the format is longer than 1000 bytes");
  if (format.empty()) return "";
  const std::string wanted = today ? without_zone(format) : format;
  const std::tm time = today ? midnight(*today) : local_now();
  std::array<char, 20000> out{};
  const std::size_t size = std::strftime(out.data(), out.size(), wanted.c_str(), &time);
  if (!is_utf8({out.data(), size})) refuse("strftime_now(): the locale's date is not UTF-8");
  return std::string_view(out.data(), size);
}

}  // namespace pst::jinja
