// SPDX-License-Identifier: Apache-2.0
#include "datarules/personal_data.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "core/strings.hpp"
#include "core/text_search.hpp"
#include "datarules/secret_words.hpp"

namespace pst::datarules {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) { return is_digit(c) || is_letter(c) || c == '_' || c == '-'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// One text, looked at from its front to its end. Each look backwards or forwards is bounded.
class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  std::vector<PersonalSpan> run() {
    for (std::size_t i = 0; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '@') {
        look_at_address(i);
      } else if (c == '-') {
        if (text_.substr(i).starts_with("-----BEGIN ")) look_at_key(i);
      } else if (c == '+' || c == '(') {
        look_at_phone(i);
      } else if (is_digit(c) || is_letter(c)) {
        if (i == 0 || !is_word(text_[i - 1])) i = look_at_word(i);
      }
    }
    std::stable_sort(spans_.begin(), spans_.end(), [](const auto& a, const auto& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
    });
    std::vector<PersonalSpan> apart;
    for (const PersonalSpan& span : spans_)
      if (apart.empty() || span.begin >= apart.back().end) apart.push_back(span);
    return apart;
  }

 private:
  char at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  char before(std::size_t i) const { return i > 0 ? text_[i - 1] : '\0'; }
  void found(std::size_t begin, std::size_t end, PersonalKind kind, const char* name) {
    spans_.push_back({begin, end, kind, name});
  }

  void look_at_address(std::size_t sign) {
    constexpr std::size_t kLongest = 128;
    std::size_t begin = sign, end = sign + 1;
    while (begin > 0 && sign - begin < kLongest &&
           (is_word(text_[begin - 1]) || text_[begin - 1] == '.' || text_[begin - 1] == '+' || text_[begin - 1] == '%'))
      --begin;
    while (end - sign < kLongest && (is_word(at(end)) || at(end) == '.')) ++end;
    while (end > sign + 1 && (text_[end - 1] == '.' || text_[end - 1] == '-')) --end;
    const std::string host = lower(text_.substr(sign + 1, end - sign - 1));
    const std::size_t from = sign > kLongest ? sign - kLongest : 0;
    const auto login = text_.substr(from, sign - from);
    if (const auto scheme = login.rfind("://"); scheme != login.npos && !host.empty()) {
      const auto user = login.substr(scheme + 3);
      const auto colon = user.find(':');
      const bool is_login = colon != user.npos && colon > 0 && colon + 1 < user.size() &&
                            user.find_first_of(" \t\n/\"'<>{}$") == user.npos;
      if (is_login && !is_example(host)) {
        found(from + scheme + 3, sign, PersonalKind::url_credentials, "password in an address");
        return;
      }
    }
    const auto dot = host.rfind('.');
    if (begin == sign || dot == host.npos || dot == 0 || is_example(host)) return;
    const std::string_view top = std::string_view(host).substr(dot + 1);
    constexpr std::array<std::string_view, 8> kFiles = {"png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css"};
    if (top.size() < 2 || !std::all_of(top.begin(), top.end(), is_letter) ||
        std::find(kFiles.begin(), kFiles.end(), top) != kFiles.end())
      return;
    constexpr std::array<std::string_view, 4> kNobody = {"git", "noreply", "no-reply", "donotreply"};
    const std::string user = lower(text_.substr(begin, sign - begin));
    if (std::find(kNobody.begin(), kNobody.end(), user) != kNobody.end()) return;
    found(begin, end, PersonalKind::email, "e-mail address");
  }

  /// The names that RFC 2606 keeps for examples.
  static bool is_example(std::string_view host) {
    for (const std::string_view end : {".example", ".test", ".invalid", "localhost"})
      if (host.ends_with(end)) return true;
    for (const std::string_view name : {"example.com", "example.org", "example.net"})
      if (host == name || (host.ends_with(name) && host[host.size() - name.size() - 1] == '.')) return true;
    return false;
  }

  void look_at_key(std::size_t i) {
    constexpr std::size_t kHeader = 64, kLongest = 8192;
    const auto header = text_.substr(i, kHeader);
    const auto name = header.find("PRIVATE KEY");
    if (name == header.npos) return;
    const auto body = text_.substr(i, kLongest);
    const auto end = find_text(body, "-----END ");
    found(i, i + (end == body.npos ? body.size() : end), PersonalKind::private_key, "private key");
  }

  /// A number with its blanks and dashes: "4111 1111 1111 1111".
  struct Number {
    std::size_t end = 0;
    std::string digits;
  };
  Number number_at(std::size_t i, std::string_view between) const {
    constexpr std::size_t kMostDigits = 24;
    Number number{i, {}};
    while (number.digits.size() < kMostDigits) {
      if (is_digit(at(number.end)))
        number.digits += text_[number.end++];
      else if (between.find(at(number.end)) != between.npos && is_digit(at(number.end + 1)))
        ++number.end;
      else
        break;
    }
    return number;
  }

  void look_at_phone(std::size_t i) {
    if (is_word(before(i)) || before(i) == ')' || !is_digit(at(i + 1)) || is_no_phone_here(i)) return;
    if (text_[i] == '(') {  // (415) 642-1234
      const auto area = number_at(i + 1, "");
      std::size_t next = area.end + 1;
      if (area.digits.size() != 3 || at(area.end) != ')') return;
      if (at(next) == ' ') ++next;
      const auto rest = number_at(next, "-. ");
      if (rest.digits.size() == 7 && !rest.digits.starts_with("555") && (at(next + 3) == '-' || at(next + 3) == '.'))
        found(i, rest.end, PersonalKind::phone, "phone number");
      return;
    }
    const auto number = number_at(i + 1, " -.");
    const bool is_grouped = number.end - i - 1 > number.digits.size();
    if (number.digits.size() >= (is_grouped ? 9u : 10u) && number.digits.size() <= 15 && number.digits[0] != '0' &&
        !is_letter(at(number.end)))
      found(i, number.end, PersonalKind::phone, "phone number");
  }

  /// Numbers of books, papers, tickets and addresses look like phone numbers. @see dolma's tagger, window 100
  bool is_no_phone_here(std::size_t i) const {
    constexpr std::size_t kWindow = 100;
    const std::size_t from = i > kWindow ? i - kWindow : 0;
    const std::string near = lower(text_.substr(from, i - from));
    for (const std::string_view word : {"isbn", "doi", "#", "http", "www."})
      if (near.find(word) != near.npos) return true;
    return false;
  }

  /// @return the last byte of the word
  std::size_t look_at_word(std::size_t i) {
    std::size_t end = i;
    while (end < text_.size() && is_word(text_[end])) ++end;
    if (is_digit(text_[i]) && before(i) != '.') look_at_number(i, end);
    if ((is_hex(text_[i])) && end - i <= 4 && at(end) == ':' && is_hex(at(end + 1)) && before(i) != ':') look_at_ip6(i);
    if (end - i >= 4 && is_upper(text_[i]) && is_upper(at(i + 1)) && is_digit(at(i + 2)) && is_digit(at(i + 3)))
      look_at_iban(i);
    if (end - i >= 16 || text_.substr(i).starts_with("eyJ")) look_at_token(i, end);
    return end - 1;
  }

  void look_at_token(std::size_t i, std::size_t end) {
    std::size_t whole = end;
    constexpr std::size_t kLongest = 8192;
    if (text_.substr(i).starts_with("eyJ"))
      while (whole - i < kLongest && (is_word(at(whole)) || at(whole) == '.')) ++whole;
    if (const char* const kind = token_kind(text_.substr(i, whole - i))) {
      found(i, whole, PersonalKind::access_token, kind);
      return;
    }
    std::size_t secret = end;
    while (secret - i < 256 && (is_word(at(secret)) || at(secret) == '/' || at(secret) == '+' || at(secret) == '='))
      ++secret;
    if (is_random_secret(text_, i, secret))
      found(i, secret, PersonalKind::random_secret, "random text beside a word like password");
  }

  void look_at_iban(std::size_t i) {
    std::string packed;
    constexpr std::size_t kMost = 34;
    std::vector<std::size_t> ends;
    for (std::size_t at_ = i; packed.size() < kMost; ++at_) {
      const char c = at(at_);
      if (is_digit(c) || is_upper(c)) {
        packed += c;
        ends.push_back(at_ + 1);
      } else if (c != ' ' || !(is_digit(at(at_ + 1)) || is_upper(at(at_ + 1)))) {
        break;
      }
    }
    for (std::size_t size = 15; size <= packed.size(); ++size)
      if (is_iban(std::string_view(packed).substr(0, size)) && !is_word(at(ends[size - 1]))) {
        found(i, ends[size - 1], PersonalKind::iban, "bank account");
        return;
      }
  }

  void look_at_ip6(std::size_t i) {
    std::size_t end = i;
    int colons = 0;
    for (; end - i < 40 && (is_hex(at(end)) || at(end) == ':'); ++end) colons += text_[end] == ':' ? 1 : 0;
    constexpr int kLeast = 4;  // fewer are times, ports and names of C++
    if (colons < kLeast || is_word(at(end))) return;
    const std::string address = lower(text_.substr(i, end - i));
    in6_addr parsed{};
    if (::inet_pton(AF_INET6, address.c_str(), &parsed) != 1) return;
    const bool is_public = (parsed.s6_addr[0] & 0xe0) == 0x20 && !address.starts_with("2001:db8");
    if (is_public) found(i, end, PersonalKind::ip_address, "IP address");
  }

  void look_at_number(std::size_t i, std::size_t end) {
    if (at(end) == '.' && look_at_ip4(i)) return;
    const auto number = number_at(i, " -");
    if (is_word(at(number.end))) return;
    const std::string& digits = number.digits;
    if (digits.size() >= 13 && digits.size() <= 19 && is_card(digits) && passes_luhn(digits)) {
      found(i, number.end, PersonalKind::card_number, "card number");
      return;
    }
    const std::string_view word = text_.substr(i, number.end - i);
    const auto dashes = [&](std::size_t first, std::size_t second) {
      return word.size() == digits.size() + 2 && word[first] == word[second] && (word[first] == '-');
    };
    if (digits.size() == 9 && dashes(3, 6)) {
      const bool is_given = !digits.starts_with("000") && !digits.starts_with("666") && digits[0] != '9' &&
                            digits.substr(3, 2) != "00" && digits.substr(5) != "0000";
      if (is_given) found(i, number.end, PersonalKind::social_security, "US social security number");
    } else if (digits.size() == 10 && dashes(3, 7) && digits[0] > '1' && digits[3] > '1' &&
               digits.substr(3, 3) != "555" && !is_no_phone_here(i)) {
      found(i, number.end, PersonalKind::phone, "phone number");
    }
  }

  bool look_at_ip4(std::size_t i) {
    std::size_t end = i;
    int dots = 0;
    while (end - i < 16 && (is_digit(at(end)) || (at(end) == '.' && is_digit(at(end + 1)))))
      dots += text_[end++] == '.' ? 1 : 0;
    if (dots != 3 || is_word(at(end))) return false;
    constexpr std::size_t kBefore = 12;
    const std::size_t from = i > kBefore ? i - kBefore : 0;
    if (lower(text_.substr(from, i - from)).find("version") != std::string::npos) return true;
    if (is_public_ip4(text_.substr(i, end - i))) found(i, end, PersonalKind::ip_address, "IP address");
    return true;
  }

  /// The first digits that issuers have, with the lengths of their numbers.
  static bool is_card(const std::string& digits) {
    const int two = (digits[0] - '0') * 10 + digits[1] - '0';
    const int four = two * 100 + (digits[2] - '0') * 10 + digits[3] - '0';
    const std::size_t size = digits.size();
    if (digits[0] == '4') return size == 13 || size == 16 || size == 19;
    if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return size == 16;
    if (two == 34 || two == 37) return size == 15;
    return size == 16 &&
           (four == 6011 || two == 65 || (four >= 6440 && four <= 6499) || (four >= 3528 && four <= 3589));
  }

  std::string_view text_;
  std::vector<PersonalSpan> spans_;
};

}  // namespace

std::vector<PersonalSpan> find_personal(std::string_view text) { return Scan(text).run(); }

}  // namespace pst::datarules
