// SPDX-License-Identifier: Apache-2.0
#include "requests/words.hpp"

namespace pst::requests {

void add(std::vector<std::string>& words, std::string_view option, const std::string& value) {
  words.emplace_back(option);
  if (!value.empty() && value.front() == '-')
    words.back() += "=" + value;
  else
    words.push_back(value);
}

}  // namespace pst::requests
