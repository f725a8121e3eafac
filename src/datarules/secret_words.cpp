// SPDX-License-Identifier: Apache-2.0
#include "datarules/secret_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/strings.hpp"

namespace pst::datarules {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

struct Prefix {
  std::string_view begins;
  std::size_t least, most;  ///< characters behind it
  const char* kind;
};
constexpr std::size_t kAny = 4096;
/// As their services document them, and as GitHub's and detect-secrets' scanners look for them.
constexpr std::array<Prefix, 25> kPrefixes = {{{"AKIA", 16, 16, "AWS key"},
                                               {"ASIA", 16, 16, "AWS key"},
                                               {"ABIA", 16, 16, "AWS key"},
                                               {"ACCA", 16, 16, "AWS key"},
                                               {"ghp_", 36, 36, "GitHub token"},
                                               {"gho_", 36, 36, "GitHub token"},
                                               {"ghu_", 36, 36, "GitHub token"},
                                               {"ghs_", 36, 36, "GitHub token"},
                                               {"ghr_", 36, 76, "GitHub token"},
                                               {"github_pat_", 36, kAny, "GitHub token"},
                                               {"glpat-", 20, kAny, "GitLab token"},
                                               {"xoxb-", 20, kAny, "Slack token"},
                                               {"xoxp-", 20, kAny, "Slack token"},
                                               {"xoxa-", 20, kAny, "Slack token"},
                                               {"xoxr-", 20, kAny, "Slack token"},
                                               {"xoxs-", 20, kAny, "Slack token"},
                                               {"sk_live_", 24, kAny, "Stripe key"},
                                               {"rk_live_", 24, kAny, "Stripe key"},
                                               {"AIza", 35, 35, "Google key"},
                                               {"hf_", 34, 34, "Hugging Face token"},
                                               {"npm_", 36, 36, "npm token"},
                                               {"pypi-AgEI", 50, kAny, "PyPI token"},
                                               {"sk-ant-", 32, kAny, "Anthropic key"},
                                               {"SG.", 60, kAny, "SendGrid key"},
                                               {"dop_v1_", 64, 64, "DigitalOcean token"}}};

double entropy_of(std::string_view word) {
  std::array<int, 256> counts{};
  for (const char c : word) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(word.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

}  // namespace

const char* token_kind(std::string_view word) {
  for (const Prefix& row : kPrefixes) {
    if (!word.starts_with(row.begins)) continue;
    const std::string_view rest = word.substr(row.begins.size());
    if (rest.size() < row.least || rest.size() > row.most) continue;
    const bool is_aws = row.kind == std::string_view("AWS key");
    if (is_aws && !std::all_of(rest.begin(), rest.end(), [](char c) { return is_upper(c) || is_digit(c); })) continue;
    // A word of letters alone is somebody's name for something.
    if (!is_aws && std::none_of(rest.begin(), rest.end(), is_digit)) continue;
    return row.kind;
  }
  if (word.starts_with("sk-") && word.find("T3BlbkFJ") != word.npos) return "OpenAI key";
  if (word.starts_with("eyJ") && word.size() >= 40) {
    const auto dot = word.find('.');
    if (dot != word.npos && word.substr(dot + 1).starts_with("eyJ")) return "JSON web token";
  }
  return nullptr;
}

bool is_random_secret(std::string_view text, std::size_t begin, std::size_t end) {
  constexpr std::size_t kLeast = 20, kMost = 200, kBefore = 40;
  const std::string_view word = text.substr(begin, end - begin);
  if (word.size() < kLeast || word.size() > kMost || begin == 0 || end == text.size()) return false;
  const char quote = text[begin - 1];
  if ((quote != '"' && quote != '\'' && quote != '`') || text[end] != quote) return false;
  if (std::none_of(word.begin(), word.end(), is_digit)) return false;
  const std::size_t from = begin > kBefore ? begin - kBefore : 0;
  const std::string before = lower(text.substr(from, begin - from));
  constexpr std::array<std::string_view, 5> kWords = {"key", "secret", "token", "passw", "pwd"};
  if (std::none_of(kWords.begin(), kWords.end(), [&](auto one) { return before.find(one) != before.npos; }))
    return false;
  constexpr double kHexBits = 3.0, kOtherBits = 4.5;
  return entropy_of(word) > (std::all_of(word.begin(), word.end(), is_hex) ? kHexBits : kOtherBits);
}

}  // namespace pst::datarules
