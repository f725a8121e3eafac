// SPDX-License-Identifier: Apache-2.0
#include "console/command_info.hpp"
#include "core/strings.hpp"

namespace pst::console {
namespace {

/// Inside single quotes of a shell.
std::string quoted_for_shell(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string words_below(const CommandInfo& command) {
  const std::vector<std::string> below(command.path.begin() + 1, command.path.end());
  return join(below, " ");
}

void each(const CommandInfo& command, const auto& visit) {
  visit(command);
  for (const CommandInfo& inner : command.commands) each(inner, visit);
}

std::vector<std::string> flags_of(const CommandInfo& command) {
  std::vector<std::string> flags;
  for (const OptionInfo& option : command.options)
    if (!option.positional) flags.insert(flags.end(), option.names.begin(), option.names.end());
  return flags;
}

std::vector<std::string> names_of(const CommandInfo& command) {
  std::vector<std::string> names;
  for (const CommandInfo& inner : command.commands) names.push_back(inner.path.back());
  return names;
}

std::vector<std::string> valued_flags_of(const CommandInfo& command) {
  std::vector<std::string> flags;
  for (const OptionInfo& option : command.options)
    if (!option.positional && option.takes_value) flags.insert(flags.end(), option.names.begin(), option.names.end());
  return flags;
}

}  // namespace

std::string bash_completion(const CommandInfo& program) {
  std::string cases, valued;
  each(program, [&](const CommandInfo& command) {
    auto words = names_of(command);
    const auto flags = flags_of(command);
    words.insert(words.end(), flags.begin(), flags.end());
    cases +=
        cat("    ", quoted_for_shell(words_below(command)), ") words=", quoted_for_shell(join(words, " ")), " ;;\n");
    for (const std::string& flag : valued_flags_of(command))
      valued += cat(valued.empty() ? "" : "|", "'", words_below(command), " ", flag, "'");
  });
  return cat(
      "# bash completion of peft-studio, made by `peft-studio completion bash`\n"
      "_peft_studio() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} path='' words='' i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    [[ ${COMP_WORDS[i]} == -* ]] && break\n"
      "    path+=${path:+ }${COMP_WORDS[i]}\n"
      "  done\n"
      "  until _peft_studio_words \"$path\"; do path=${path% *}; done\n"
      "  case \"$path ${COMP_WORDS[COMP_CWORD-1]}\" in ",
      valued,
      ") words='' ;; esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "  if [[ $word != -* ]]; then COMPREPLY+=($(compgen -f -- \"$word\")); fi\n"
      "}\n"
      "_peft_studio_words() {\n"
      "  case $1 in\n",
      cases,
      "    *' '*) return 1 ;;\n"
      "    *) words='' ;;\n"
      "  esac\n"
      "}\n"
      "complete -o filenames -F _peft_studio peft-studio\n");
}

std::string zsh_completion(const CommandInfo& program) {
  std::string cases;
  each(program, [&](const CommandInfo& command) {
    cases += cat("    ", quoted_for_shell(words_below(command)), ")\n");
    for (const CommandInfo& inner : command.commands)
      cases += cat("      commands+=(", quoted_for_shell(inner.path.back() + ":" + inner.help), ")\n");
    for (const OptionInfo& option : command.options)
      if (!option.positional)
        for (const std::string& name : option.names)
          cases += cat("      options+=(", quoted_for_shell(name + ":" + option.help), ")\n");
    cases += "      ;;\n";
  });
  return cat(
      "#compdef peft-studio\n# made by `peft-studio completion zsh`\n"
      "_peft_studio() {\n"
      "  local -a commands options\n"
      "  local word candidate taken=''\n"
      "  for word in ${words[2,CURRENT-1]}; do\n"
      "    [[ $word == -* ]] && break\n"
      "    candidate=\"${taken:+$taken }$word\"\n"
      "    case $candidate in (",
      [&] {
        std::vector<std::string> known;
        each(program, [&](const CommandInfo& command) {
          if (command.path.size() > 1) known.push_back(quoted_for_shell(words_below(command)));
        });
        return join(known, "|");
      }(),
      ") taken=$candidate ;; *) break ;; esac\n"
      "  done\n"
      "  case $taken in\n",
      cases,
      "  esac\n"
      "  (( ${#commands} )) && _describe command commands\n"
      "  [[ $PREFIX == -* ]] && _describe option options\n"
      "  (( ${#commands} )) || _files\n"
      "}\n"
      "_peft_studio \"$@\"\n");
}

std::string fish_completion(const CommandInfo& program) {
  std::string text = "# fish completion of peft-studio, made by `peft-studio completion fish`\n";
  each(program, [&](const CommandInfo& command) {
    const std::string below = words_below(command);
    std::string when = below.empty() ? "__fish_use_subcommand" : "";
    if (!below.empty()) {
      std::vector<std::string> parts;
      for (std::size_t i = 1; i < command.path.size(); ++i)
        parts.push_back("__fish_seen_subcommand_from " + command.path[i]);
      when = join(parts, "; and ");
    }
    const std::string head = cat("complete -c peft-studio -n ", quoted_for_shell(when));
    for (const CommandInfo& inner : command.commands)
      text += cat(head, " -f -a ", quoted_for_shell(inner.path.back()), " -d ", quoted_for_shell(inner.help), "\n");
    for (const OptionInfo& option : command.options) {
      if (option.positional) continue;
      std::string line = head;
      for (const std::string& name : option.names)
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      text += cat(line, option.takes_value ? " -r" : "", " -d ", quoted_for_shell(option.help), "\n");
    }
  });
  return text;
}

}  // namespace pst::console
