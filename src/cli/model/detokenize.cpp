// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <limits>

#include "cli/text_input.hpp"
#include "cli/tokenizer_argument.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

/// Whole numbers between blanks, commas, brackets and line ends: what `model tokenize` and `data dump` write.
std::vector<std::int32_t> ids_in(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n,[]";
  std::vector<std::int32_t> ids;
  for (std::size_t at = text.find_first_not_of(kBetween); at != text.npos; at = text.find_first_not_of(kBetween, at)) {
    const auto end = std::min(text.find_first_of(kBetween, at), text.size());
    const auto id = to_int(text.substr(at, end - at));
    if (!id || *id < 0 || *id > std::numeric_limits<std::int32_t>::max())
      throw Error(Fault::data, cat(quoted(text.substr(at, end - at), 40), " is no token id"),
                  "give ids with blanks or commas between them");
    ids.push_back(static_cast<std::int32_t>(*id));
    at = end;
  }
  return ids;
}

}  // namespace

Runner add_model_detokenize(CLI::App& app) {
  struct Arguments {
    TokenizerArguments tokenizer;
    std::string file;
    bool plain = false;
  };
  auto arguments = std::make_shared<Arguments>();
  add_tokenizer_arguments(app, arguments->tokenizer);
  app.add_option("FILE", arguments->file, "Token ids; standard input without it, or where it is -");
  app.add_flag("--skip-special", arguments->plain, "Leave special tokens out of the text");
  return [arguments] {
    const auto tokenizer = arguments->tokenizer.open();
    std::cout << tokenizer.decode(ids_in(text_input(arguments->file)), !arguments->plain);
    return 0;
  };
}

}  // namespace pst::cli
