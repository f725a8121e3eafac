// SPDX-License-Identifier: Apache-2.0
#include "site/profile_text_checks.hpp"

#include <algorithm>

#include "config/slurm_words.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "regex/regex.hpp"

namespace pst::site {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_profile_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && (is_letter(text.front()) || is_digit(text.front())) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_scratch(std::string_view text) {
  if (text.empty() || (text.front() != '/' && text.front() != '$') || text.size() > 1024) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '$') {
      if (!is_letter(c) && !is_digit(c) && std::string_view("/._-").find(c) == std::string_view::npos) return false;
      continue;
    }
    std::size_t end = i + 1;
    while (end < text.size() && (is_letter(text[end]) || is_digit(text[end]) || text[end] == '_')) ++end;
    if (!config::is_variable_name(text.substr(i + 1, end - i - 1))) return false;
    i = end - 1;
  }
  return true;
}

}  // namespace

std::string_view option_name(std::string_view option) {
  if (!option.starts_with("--")) return {};
  const auto name = option.substr(2, option.find('=') == std::string_view::npos ? option.npos : option.find('=') - 2);
  const bool good = !name.empty() && is_letter(name.front()) && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-';
  });
  return good ? name : std::string_view{};
}

config::Constraint profile_name() {
  return config::text_that("up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit",
                           is_profile_name);
}

config::Constraint regular_expression() {
  return config::text_that("an extended regular expression", [](std::string_view text) {
    Regex::Mistake ignored;
    return !text.empty() && text.size() <= 1000 && Regex::compile(text, Regex::Fits::found_in, ignored).has_value();
  });
}

config::Constraint one_option() {
  return config::text_that("one option with two dashes, --name or --name=value",
                           [](std::string_view text) { return !option_name(text).empty(); });
}

config::Constraint exported_name() {
  return config::text_that("the name of a variable, or its beginning and a *", [](std::string_view text) {
    return config::is_variable_name(text.ends_with("*") ? text.substr(0, text.size() - 1) : text);
  });
}

config::Constraint scratch_path() {
  return config::text_that("an absolute path of letters, digits, '.', '_', '-' and $VARIABLES", is_scratch);
}

bool is_found(const std::string& expression, const std::string& text) {
  Regex::Mistake ignored;
  const auto regex = Regex::compile(expression, Regex::Fits::found_in, ignored);
  if (!regex) return false;
  if (const auto fits = regex->fits(text)) return *fits;
  throw Error(
      Fault::usage,
      cat("match: the regular expression ", quoted(expression, 60), " takes too many steps on ", quoted(text, 60)),
      "write it without nested repetitions, or name the profile: slurm.site");
}

}  // namespace pst::site
