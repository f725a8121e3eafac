// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pst::cluster {

/// Placeholder -> encoded lines; none where there is nothing to say.
using TemplateValues = std::map<std::string, std::vector<std::string>>;

/// The template with its @placeholders@ filled in, one at most in a line. A line is repeated for every value of its
/// placeholder and left out without one; the lines from `#if name` to `#end` are left out when `name` has no value. A
/// value is never looked at again, so an "@run@" inside one stays what it is. Remarks behind directives ("  # ...") are
/// put under one another.
std::string fill_template(std::string_view text, const TemplateValues& values);

}  // namespace pst::cluster
