// Questions about words, asked one after the other.
#ifndef KITH_APPS_CLI_WORD_PROMPT_H_
#define KITH_APPS_CLI_WORD_PROMPT_H_

#include "kith/status.h"
#include "word_desk.h"

namespace kith::apps::cli {

inline constexpr char kWord2vecPrompt[] = "Enter word or sentence (EXIT to break): ";

// Asks at the terminal until there is no more, or :quit. What cannot be answered is told of and the
// next line read.
Status Prompt(WordDesk* desk);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_WORD_PROMPT_H_
