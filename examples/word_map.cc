// Draws countries and their capitals by their word vectors, in the two directions in which these
// differ most (principal components): the picture of Mikolov et al., "Distributed representations
// of words and phrases and their compositionality", 2013. What a country is to its capital is much
// the same vector for all of them, which is why "king - man + woman" works.
//
//   word_map WORDS OUT.svg [COUNTRY CAPITAL ...]
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "kith/words.h"

namespace {

const std::vector<std::string> kPairs = {
    "china",  "beijing", "russia",  "moscow",  "japan",  "tokyo",     "poland", "warsaw",
    "france", "paris",   "germany", "berlin",  "greece", "athens",    "spain",  "madrid",
    "egypt",  "cairo",   "iraq",    "baghdad", "sweden", "stockholm", "cuba",   "havana"};

using Vector = std::vector<double>;

double Dot(const Vector& a, const Vector& b) {
  double dot = 0;
  for (size_t i = 0; i < a.size(); ++i) dot += a[i] * b[i];
  return dot;
}

void Normalise(Vector* v) {
  const double norm = std::sqrt(Dot(*v, *v));
  for (double& x : *v) x /= norm > 0 ? norm : 1;
}

// The direction in which rows of mean zero differ most, by power iteration.
Vector PrincipalDirection(const std::vector<Vector>& rows) {
  Vector direction(rows[0].size(), 1.0);
  for (int i = 0; i < 500; ++i) {
    Normalise(&direction);
    Vector next(direction.size(), 0.0);
    for (const Vector& row : rows) {
      const double share = Dot(row, direction);
      for (size_t c = 0; c < next.size(); ++c) next[c] += share * row[c];
    }
    direction = next;
  }
  Normalise(&direction);
  return direction;
}

// Places of the rows along their first two principal directions.
std::vector<Vector> Project(std::vector<Vector> rows) {
  Vector mean(rows[0].size(), 0.0);
  for (const Vector& row : rows) {
    for (size_t c = 0; c < mean.size(); ++c) mean[c] += row[c] / static_cast<double>(rows.size());
  }
  for (Vector& row : rows) {
    for (size_t c = 0; c < mean.size(); ++c) row[c] -= mean[c];
  }
  std::vector<Vector> places(rows.size());
  for (int axis = 0; axis < 2; ++axis) {
    const Vector direction = PrincipalDirection(rows);
    for (size_t i = 0; i < rows.size(); ++i) {
      const double share = Dot(rows[i], direction);
      places[i].push_back(share);
      for (size_t c = 0; c < mean.size(); ++c) rows[i][c] -= share * direction[c];
    }
  }
  return places;
}

// Text as XML has it.
std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return out;
}

std::string Draw(const std::vector<std::string>& names, const std::vector<Vector>& places) {
  constexpr double kWidth = 860;
  constexpr double kHeight = 600;
  constexpr double kMargin = 80;
  Vector low = places[0];
  Vector high = places[0];
  for (const Vector& place : places) {
    for (size_t c = 0; c < 2; ++c) {
      low[c] = std::min(low[c], place[c]);
      high[c] = std::max(high[c], place[c]);
    }
  }
  const auto at = [&](size_t i, size_t axis, double size) {
    const double span = high[axis] > low[axis] ? high[axis] - low[axis] : 1;
    return kMargin + (size - 2 * kMargin) * (places[i][axis] - low[axis]) / span;
  };
  char line[512];
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 600\" width=\"860\" "
      "height=\"600\" font-family=\"sans-serif\" font-size=\"14\">\n"
      "<rect width=\"860\" height=\"600\" fill=\"white\"/>\n";
  for (size_t i = 0; i < names.size(); i += 2) {
    std::snprintf(line, sizeof(line),
                  "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#999\" "
                  "stroke-dasharray=\"4 3\"/>\n",
                  at(i, 0, kWidth), at(i, 1, kHeight), at(i + 1, 0, kWidth), at(i + 1, 1, kHeight));
    svg += line;
  }
  // First what is white behind the letters, so that lines do not cross them.
  for (const bool behind : {true, false}) {
    for (size_t i = 0; i < names.size(); ++i) {
      const double x = at(i, 0, kWidth);
      const double y = at(i, 1, kHeight);
      const bool country = i % 2 == 0;
      const char* const colour = country ? "#1b5e9e" : "#c2550a";
      std::snprintf(line, sizeof(line),
                    "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n"
                    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>",
                    x, y, colour, x + (country ? 7 : -7), y + 5, country ? "start" : "end",
                    behind    ? "fill=\"white\" stroke=\"white\" stroke-width=\"4\""
                    : country ? "fill=\"#1b5e9e\""
                              : "fill=\"#c2550a\"");
      svg += line + Escaped(names[i]) + "</text>\n";
    }
  }
  return svg + "</svg>\n";
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "word_map: %s\n", message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc % 2 == 0) {
    std::fprintf(stderr, "usage: word_map WORDS OUT.svg [COUNTRY CAPITAL ...]\n");
    return 2;
  }
  const auto words = kith::OpenWords(argv[1]);
  if (!words.ok()) return Fail(words.status().message());
  const std::vector<std::string> names =
      argc > 3 ? std::vector<std::string>(argv + 3, argv + argc) : kPairs;
  std::vector<Vector> rows;
  for (const std::string& name : names) {
    const auto row = kith::FindWord(*words->index, name);
    if (!row.ok()) return Fail(row.status().message());
    std::vector<float> vector(words->index->info().dim);
    words->index->GetVector(*row, vector.data());
    rows.emplace_back(vector.begin(), vector.end());
    Normalise(&rows.back());
  }
  std::ofstream out(argv[2]);
  out << Draw(names, Project(rows));
  if (!out.flush()) return Fail(std::string("cannot write ") + argv[2]);
  std::printf("%s: %zu words, first two principal directions\n", argv[2], names.size());
  return 0;
}
