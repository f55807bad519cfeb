// Word vectors asked as word2vec's `distance` asks them: the whole file read through stdio, every
// vector brought to length 1, then for each line of input the sum of its words compared with every
// vector in a plain loop on one thread, and the 40 best kept in a list. Our own code in its manner,
// to be timed beside `kith words` and to have its list compared.
//
//   word2vec_scan FILE.bin < LINES
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr size_t kListed = 40;

struct Model {
  size_t words = 0;
  size_t dim = 0;
  std::vector<std::string> names;
  std::vector<float> vectors;
};

bool Read(const char* path, Model* model) {
  std::FILE* const file = std::fopen(path, "rb");
  if (file == nullptr) return false;
  if (std::fscanf(file, "%zu %zu", &model->words, &model->dim) != 2) return false;
  model->vectors.resize(model->words * model->dim);
  for (size_t i = 0; i < model->words; ++i) {
    std::string name;
    for (int c = std::fgetc(file); c != ' ' && c != EOF; c = std::fgetc(file)) {
      if (c != '\n') name += static_cast<char>(c);
    }
    model->names.push_back(name);
    float* const row = &model->vectors[i * model->dim];
    for (size_t j = 0; j < model->dim; ++j) {
      if (std::fread(&row[j], sizeof(float), 1, file) != 1) return false;
    }
    float squares = 0;
    for (size_t j = 0; j < model->dim; ++j) squares += row[j] * row[j];
    const float length = std::sqrt(squares);
    for (size_t j = 0; j < model->dim; ++j) row[j] /= length;
  }
  std::fclose(file);
  return true;
}

void Ask(const Model& model, const std::string& line) {
  std::vector<size_t> rows;
  for (size_t begin = 0, end = 0; begin <= line.size(); begin = end + 1) {
    end = line.find(' ', begin);
    if (end == std::string::npos) end = line.size();
    const std::string word = line.substr(begin, end - begin);
    size_t row = 0;
    while (row < model.words && model.names[row] != word) ++row;
    const bool known = row < model.words;
    std::printf("\nWord: %s  Position in vocabulary: %lld\n", word.c_str(),
                known ? static_cast<long long>(row) : -1LL);
    if (!known) {
      std::printf("Out of dictionary word!\n");
      return;
    }
    rows.push_back(row);
  }
  std::printf("\n%50s       Cosine distance\n%s\n", "Word", std::string(72, '-').c_str());
  std::vector<float> query(model.dim, 0.0F);
  for (const size_t row : rows) {
    for (size_t j = 0; j < model.dim; ++j) query[j] += model.vectors[row * model.dim + j];
  }
  float squares = 0;
  for (const float x : query) squares += x * x;
  for (float& x : query) x /= std::sqrt(squares);
  float best[kListed];
  size_t best_row[kListed];
  for (size_t i = 0; i < kListed; ++i) best[i] = -1;
  for (size_t row = 0; row < model.words; ++row) {
    bool own = false;
    for (const size_t other : rows) own = own || other == row;
    if (own) continue;
    const float* const vector = &model.vectors[row * model.dim];
    float dot = 0;
    for (size_t j = 0; j < model.dim; ++j) dot += query[j] * vector[j];
    for (size_t i = 0; i < kListed; ++i) {
      if (!(dot > best[i])) continue;
      for (size_t j = kListed - 1; j > i; --j) {
        best[j] = best[j - 1];
        best_row[j] = best_row[j - 1];
      }
      best[i] = dot;
      best_row[i] = row;
      break;
    }
  }
  for (size_t i = 0; i < kListed; ++i) {
    const char* const name = best[i] == -1 ? "" : model.names[best_row[i]].c_str();
    std::printf("%50s\t\t%f\n", name, static_cast<double>(best[i]));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Model model;
  if (argc != 2 || !Read(argv[1], &model)) {
    std::fprintf(stderr, "usage: word2vec_scan FILE.bin < LINES (one word or more a line)\n");
    return 2;
  }
  std::string line;
  for (;;) {
    std::printf("Enter word or sentence (EXIT to break): ");
    line.clear();
    int c = std::getchar();
    for (; c != '\n' && c != EOF; c = std::getchar()) line += static_cast<char>(c);
    if (line == "EXIT" || (c == EOF && line.empty())) return 0;
    Ask(model, line);
  }
}
