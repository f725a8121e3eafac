// SPDX-License-Identifier: Apache-2.0
#include "console/print_page.hpp"

#include "cluster/capture.hpp"
#include "cluster/program_path.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::console {

void print_page(const std::filesystem::path& html, const std::filesystem::path& pdf) {
  namespace fs = std::filesystem;
  const std::string page = "file://" + fs::absolute(html).string(), out = fs::absolute(pdf).string();
  std::vector<std::string> argv;
  for (const char* browser : {"chromium", "chromium-browser", "google-chrome"})
    if (argv.empty() && cluster::find_program(browser))
      argv = {browser,
              "--headless",
              "--no-sandbox",
              "--disable-gpu",
              "--no-pdf-header-footer",
              "--virtual-time-budget=8000",
              "--print-to-pdf=" + out,
              page};
  if (argv.empty() && cluster::find_program("weasyprint")) argv = {"weasyprint", fs::absolute(html).string(), out};
  if (argv.empty())
    throw Error(
        Fault::usage, "nothing on this machine makes a PDF of a page",
        cat("install chromium or weasyprint (Debian's names), or open ", html.string(), " in a browser and print it"));
  std::error_code ignored;
  fs::remove(out, ignored);
  const auto done = cluster::capture({.argv = argv, .remedy_when_missing = "", .timeout_s = 120});
  if (done.status != 0 || !fs::is_regular_file(out, ignored))
    throw Error(Fault::io, cat(argv[0], " has not written ", out, ": ", done.words()),
                cat("open ", html.string(), " in a browser and print it"));
}

}  // namespace pst::console
