// SPDX-License-Identifier: Apache-2.0
#include "report/html.hpp"

#include <utility>

namespace pst::report {

Html::Html(const std::string& text) {
  for (const char c : text) {
    switch (c) {
      case '&': code_ += "&amp;"; break;
      case '<': code_ += "&lt;"; break;
      case '>': code_ += "&gt;"; break;
      case '"': code_ += "&quot;"; break;
      case '\'': code_ += "&#39;"; break;
      default: code_ += c;
    }
  }
}

Html Html::made_of(std::string code) {
  Html html;
  html.code_ = std::move(code);
  return html;
}

}  // namespace pst::report
