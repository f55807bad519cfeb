#include "word_prompt.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "common/text.h"
#include "kith/query.h"
#include "line_editor.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

// What may stand behind a colon.
struct PromptCommand {
  const char* name;
  const char* usage;
  const char* help;
  size_t least;  // words behind it
  size_t most;
  Status (*run)(WordDesk* desk, const std::vector<std::string>& words);
};

Status SetCount(WordDesk* desk, const std::vector<std::string>& words) {
  const std::optional<int64_t> count = ParseWhole(words[0]);
  if (!count || *count < 1) {
    return Status::InvalidArgument(StrCat("'", words[0], "' is not a whole number of at least 1"));
  }
  desk->settings().k = static_cast<size_t>(*count);
  return Status::Ok();
}

Status SetRecall(WordDesk* desk, const std::vector<std::string>& words) {
  const std::optional<double> recall = ParseReal(words[0]);
  if (!recall || !(*recall > 0 && *recall <= 1)) {
    return Status::InvalidArgument(
        StrCat("'", words[0], "' is not a recall, a share above 0 and up to 1, as 0.95"));
  }
  desk->settings().recall = *recall;
  desk->settings().exact = false;
  return Status::Ok();
}

constexpr size_t kAny = 1000;
constexpr PromptCommand kCommands[] = {
    {"n", ":n 20", "list so many words", 1, 1, &SetCount},
    {"recall", ":recall 0.999", "the share of the true nearest words wanted", 1, 1, &SetRecall},
    {"exact", ":exact", "compare every word from now on; :recall ends it", 0, 0,
     [](WordDesk* desk, const std::vector<std::string>&) {
       desk->settings().exact = true;
       return Status::Ok();
     }},
    {"similarity", ":similarity A B", "the cosine of two words", 2, 2,
     [](WordDesk* desk, const std::vector<std::string>& w) {
       return desk->Similarity(w[0], w[1]);
     }},
    {"rank", ":rank A B", "the place of B among the neighbours of A", 2, 2,
     [](WordDesk* desk, const std::vector<std::string>& w) { return desk->Rank(w[0], w[1]); }},
    {"closer", ":closer A B", "the words that are closer to A than B is", 2, 2,
     [](WordDesk* desk, const std::vector<std::string>& w) {
       return desk->CloserThan(w[0], w[1]);
     }},
    {"odd", ":odd A B C ...", "the one that does not belong", 3, kAny,
     [](WordDesk* desk, const std::vector<std::string>& w) { return desk->OddOneOut(w); }},
};

void PrintHelp(const LineEditor& editor) {
  std::cout << "Words, nearest first:\n"
               "  chinese river            near the sum of both\n"
               "  king - man + woman       what is to king as woman is to man\n"
               "  2*king -0.5*man          with weights\n"
               "  new york                 one word if new_york or New_York is one;\n"
               "  +new +york               two in any case\n";
  Table table;
  table.AddColumn("", Table::Align::kLeft);
  table.AddColumn("", Table::Align::kLeft);
  for (const PromptCommand& command : kCommands) table.AddRow({command.usage, command.help});
  table.AddRow({":help", "this"});
  table.AddRow({":quit", "the end"});
  std::cout << "Questions:\n";
  table.Print(std::cout, "  ", false);
  std::cout << editor.Describe() << '\n';
}

Status RunCommand(WordDesk* desk, const std::string& line) {
  std::istringstream stream(line.substr(1));
  std::string name;
  stream >> name;
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  const auto* const command =
      std::find_if(std::begin(kCommands), std::end(kCommands),
                   [&](const PromptCommand& candidate) { return candidate.name == name; });
  if (command == std::end(kCommands)) {
    return Status::InvalidArgument(StrCat("no question :", Printable(name), "; :help lists them"));
  }
  if (words.size() < command->least || words.size() > command->most) {
    return Status::InvalidArgument(StrCat("write it as ", command->usage));
  }
  return command->run(desk, words);
}

}  // namespace

Status Prompt(WordDesk* desk) {
  constexpr size_t kMostCompletions = 60;
  const Index& index = desk->index();
  const auto complete = [&](std::string_view begun) {
    auto keys = KeysWithPrefix(index, begun, kMostCompletions);
    std::vector<std::string> words = keys.ok() ? *std::move(keys) : std::vector<std::string>();
    std::erase_if(words, [](const std::string& word) { return Printable(word) != word; });
    return words;
  };
  const auto editor = LineEditor::Create("> ", complete, StatePath("words_history"));
  std::cout << FormatCount(index.info().num_vectors) << " words of "
            << Plural(index.info().dim, "dimension") << "; :help tells what can be asked\n";
  while (const std::optional<std::string> line = editor->Read()) {
    const size_t begin = line->find_first_not_of(" \t");
    if (begin == std::string::npos) continue;
    const std::string text = line->substr(begin, line->find_last_not_of(" \t") + 1 - begin);
    if (text == ":quit" || text == ":q" || text == "EXIT") break;
    if (text == ":help") {
      PrintHelp(*editor);
      continue;
    }
    uint64_t failed = 0;  // which the Status tells of, too
    // A key may begin with a colon.
    const bool command = text[0] == ':' && text.size() > 1 && !index.FindKey(text).ok();
    const Status status =
        command ? RunCommand(desk, text) : desk->Neighbours({text}, false, &failed);
    std::cout << std::flush;
    if (!status.ok()) PrintError(ErrorText(status));
  }
  return Status::Ok();
}

}  // namespace kith::apps::cli
