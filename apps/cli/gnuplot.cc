#include "gnuplot.h"

#include <iomanip>
#include <iterator>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "child.h"
#include "common/json.h"
#include "common/text.h"

namespace kith::apps::cli {
namespace {

constexpr const char* kInstall = "install it with 'apt install gnuplot-nox'";

// Okabe and Ito's colours, which the colour-blind can tell apart, the strong ones first.
constexpr const char* kColours[] = {"0072B2", "D55E00", "009E73", "CC79A7",
                                    "E69F00", "56B4E9", "4B3F8F", "7A5C00"};

std::string Terminal(bool png, int height) {
  // Pictures of pixels are twice as large, for the screens of today.
  return png ? StrCat("pngcairo noenhanced size ", 2 * kPlotWidth, ",", 2 * height,
                      " font 'Sans,10' fontscale 2 linewidth 2 pointscale 2 background '#FFFFFF'")
             : StrCat("svg noenhanced dynamic size ", kPlotWidth, ",", height,
                      " font 'sans-serif,13' background '#FFFFFF'");
}

bool EndsWith(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

const char* PlotColour(size_t i) { return kColours[i % std::size(kColours)]; }

std::string Drawable(const std::string& text) {
  // The JSON library knows what is UTF-8.
  std::string clean = Printable(Json::parse(ToLine(Json(text))).get<std::string>());
  // XML has no place for U+FFFE and U+FFFF, nor readers for the controls from U+0080 to U+009F.
  for (size_t i = 0; i + 1 < clean.size(); ++i) {
    const std::string_view rest = std::string_view(clean).substr(i);
    if (rest.substr(0, 3) == "\xEF\xBF\xBE" || rest.substr(0, 3) == "\xEF\xBF\xBF") {
      clean.replace(i, 3, "?");
    } else if (rest[0] == '\xC2' && static_cast<unsigned char>(rest[1]) < 0xA0) {
      clean.replace(i, 2, "?");
    }
  }
  return clean;
}

// Whatever means something to it is written by its number: quotes, `commands`
// (which run even within quotes), @macros, backslashes; and digits, which would lengthen a number.
std::string Quoted(const std::string& text) {
  std::ostringstream out;
  out << '"' << std::oct << std::setfill('0');
  for (const char c : Drawable(text)) {
    const bool plain = c == ' ' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (plain) {
      out << c;
    } else {
      out << '\\' << std::setw(3) << static_cast<unsigned>(static_cast<unsigned char>(c));
    }
  }
  out << '"';
  return std::move(out).str();
}

Result<Plots> Plots::Open(const std::vector<std::string>& paths) {
  Plots plots;
  if (paths.empty()) return plots;
  for (const std::string& path : paths) {
    const bool png = EndsWith(path, ".png");
    if (!png && !EndsWith(path, ".svg")) {
      return Status::InvalidArgument(
          StrCat(path, ": a plot is SVG or PNG; give a name that ends in .svg or .png"));
    }
    plots.outputs_.push_back({path, png, nullptr});
  }
  plots.gnuplot_ = FindProgram("gnuplot");
  if (plots.gnuplot_.empty()) {
    return Status::NotFound(
        StrCat(paths[0], ": plots are drawn by gnuplot, which is not in PATH; ", kInstall));
  }
  for (Output& output : plots.outputs_) {
    const Result<std::string> tried = RunProgram(
        plots.gnuplot_, {"-d"}, StrCat("set terminal ", Terminal(output.png, kPlotHeight)));
    if (!tried.ok()) {
      return Status::NotFound(StrCat(output.path, ": ", plots.gnuplot_, " can't draw ",
                                     output.png ? "PNG (terminal pngcairo)" : "SVG",
                                     "; use Debian's: ", kInstall));
    }
    KITH_ASSIGN_OR_RETURN(output.file, AtomicFile::Create(output.path));
  }
  return plots;
}

Status Plots::Draw(int height, const ScriptFn& script) {
  for (Output& output : outputs_) {
    const Result<std::string> picture =
        RunProgram(gnuplot_, {"-d"}, script(Terminal(output.png, height)));
    if (!picture.ok()) {
      return Status::IoError(StrCat(output.path, ": ", picture.status().message()));
    }
    if (picture->empty()) {
      return Status::IoError(StrCat(output.path, ": ", gnuplot_, " drew nothing; ", kInstall));
    }
    KITH_RETURN_IF_ERROR(output.file->Write(std::as_bytes(std::span(*picture))));
    KITH_RETURN_IF_ERROR(output.file->Commit());
  }
  return Status::Ok();
}

}  // namespace kith::apps::cli
