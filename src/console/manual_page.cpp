// SPDX-License-Identifier: Apache-2.0
#include "console/command_info.hpp"
#include "core/strings.hpp"

namespace pst::console {
namespace {

/// Text as troff takes it literally.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out.insert(0, "\\&");
  return out;
}

void write_command(const CommandInfo& command, std::string& page) {
  const std::vector<std::string> below(command.path.begin() + 1, command.path.end());
  if (command.commands.empty()) {
    page += cat(".SS \"", plain(join(below, " ")), "\"\n", plain(command.help), "\n");
    for (const OptionInfo& option : command.options) {
      std::vector<std::string> names;
      for (const std::string& name : option.names) names.push_back("\\fB" + plain(name) + "\\fR");
      page += cat(".TP\n", join(names, ", "),
                  option.positional || option.value.empty() ? "" : " \\fI" + plain(option.value) + "\\fR", "\n",
                  plain(option.help), "\n");
    }
  }
  for (const CommandInfo& inner : command.commands) write_command(inner, page);
}

}  // namespace

std::string manual_page(const CommandInfo& program, const std::string& version) {
  const std::string& name = program.path.front();
  std::string page = cat(".TH PEFT-STUDIO 1 \"\" \"peft-studio ", plain(version), "\" \"User Commands\"\n");
  page += cat(".SH NAME\n", plain(name), " \\- ", plain(program.help), "\n");
  page += cat(".SH SYNOPSIS\n.B ", plain(name), "\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n.SH COMMANDS\n");
  for (const CommandInfo& command : program.commands) write_command(command, page);
  page +=
      ".SH EXIT STATUS\n.TP\n0\nDone.\n.TP\n64\nWrong usage, recipe or launch; repeating it changes "
      "nothing.\n.TP\n65\nBad data, model or "
      "checkpoint.\n.TP\n69\nThis machine or node cannot do it; another one may.\n.TP\n70\nA bug of this "
      "program.\n.TP\n75\nA disk, a peer or "
      "a service failed; repeating may succeed.\n.TP\n76\nStopped on request, preempted or out of time; the run can be "
      "resumed.\n";
  page +=
      ".SH FILES\n.TP\n\\fIruns/<name>\\-<id>/\\fR\nA run: its recipe, events, logs, checkpoints and, at the end, "
      "adapter/ and completed.json.\n";
  return page;
}

}  // namespace pst::console
