// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/character_class.hpp"

#include <utf8proc.h>

#include <vector>

#include "tokenizer/newer_unicode.hpp"

namespace pst::tokenizer {
namespace {

constexpr char32_t kCodePoints = 0x110000;

std::uint8_t of_category(std::string_view category) {
  using C = CharacterClass;
  switch (category[0]) {
    case 'L': return category == "Ll" ? C::lower : category == "Lu" || category == "Lt" ? C::upper : C::uncased;
    case 'M': return C::mark;
    case 'N': return C::number;
    case 'P':
    case 'S': return C::sign;
    default: return 0;
  }
}

std::vector<std::uint8_t> all_classes() {
  std::vector<std::uint8_t> classes(kCodePoints);
  for (char32_t c = 0; c < kCodePoints; ++c) {
    const std::string_view newer = newer_category(c);
    classes[c] = of_category(newer.empty() ? utf8proc_category_string(static_cast<utf8proc_int32_t>(c)) : newer);
    if (is_white_space(c)) classes[c] |= CharacterClass::space;
  }
  classes['\r'] |= CharacterClass::line_end;
  classes['\n'] |= CharacterClass::line_end;
  return classes;
}

}  // namespace

const std::uint8_t* character_classes() {
  static const std::vector<std::uint8_t> classes = all_classes();
  return classes.data();
}

}  // namespace pst::tokenizer
