// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/text_input.hpp"
#include "cli/tokenizer_argument.hpp"
#include "cli/verb.hpp"

namespace pst::cli {

Runner add_model_tokenize(CLI::App& app) {
  struct Arguments {
    TokenizerArguments tokenizer;
    std::string file;
    bool tokens = false, offsets = false, special = false;
  };
  auto arguments = std::make_shared<Arguments>();
  add_tokenizer_arguments(app, arguments->tokenizer);
  app.add_option("FILE", arguments->file, "A text in UTF-8; standard input without it, or where it is -");
  app.add_flag("--tokens", arguments->tokens, "A line for each id, with the token as the vocabulary spells it");
  app.add_flag("--offsets", arguments->offsets, "A line for each id, with the bytes of the text that it stands for");
  app.add_flag("--special", arguments->special, "With the tokens that the tokenizer itself puts around a text");
  return [arguments] {
    using tokenizer::Around;
    const auto tokenizer = arguments->tokenizer.open();
    const auto pieces = tokenizer.encode_pieces(text_input(arguments->file),
                                                arguments->special ? Around::special_tokens : Around::nothing);
    const bool in_lines = arguments->tokens || arguments->offsets;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      std::cout << (in_lines || i == 0 ? "" : " ") << pieces[i].id;
      if (arguments->offsets) std::cout << '\t' << pieces[i].begin << '\t' << pieces[i].end;
      if (arguments->tokens) std::cout << '\t' << nlohmann::json(tokenizer.token_of(pieces[i].id)).dump();
      if (in_lines) std::cout << '\n';
    }
    if (!in_lines) std::cout << '\n';
    return 0;
  };
}

}  // namespace pst::cli
