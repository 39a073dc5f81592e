// The system prompt: a template, and what goes into it.
//
// A template is text in which every {fn_str} stands for the list of functions. Nothing else in it
// has a meaning: other braces stay as they are.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace caisson {

// A Python function as the prompt shows it.
struct PromptFunction {
  std::string name;
  std::string signature;  // as inspect.signature prints it: "(a: int, b: int) -> int"
  std::string doc;        // may be empty
  bool operator==(const PromptFunction&) const = default;
};

// A name that Python takes: what cannot stand in a name becomes '_', a keyword gets one at its end.
std::string python_name(std::string_view name);
// Names like max and sum: a function of that name hides Python's own.
bool is_python_builtin(std::string_view name);

//   def add(a: int, b: int) -> int:
//       """ Adds two numbers. """
//       ...
// Without the docstring's line when there is no doc. Quotes that would end it are escaped.
std::string render_function(const PromptFunction& function);
// With an empty line between two functions, as in the article.
std::string render_functions(const std::vector<PromptFunction>& functions);

// Error: bad_input when there are functions and the template has no place for them.
Result<std::string> render_prompt(std::string_view prompt_template,
                                  const std::vector<PromptFunction>& functions);

// What the model is told of the place where its code runs. Zero and empty: nothing is said of it.
struct PromptFacts {
  std::string open = "<execute>";
  std::string close = "</execute>";
  std::chrono::milliseconds wall{};  // of one block
  std::uint64_t memory_bytes = 0;
  std::uint64_t output_bytes = 0;  // of one block, that the model is shown
  std::uint32_t max_iterations = 0;
  std::string network;               // "There is no network."
  std::vector<std::string> modules;  // beyond the standard library
};

// The template that is used when the user has none.
std::string default_prompt_template(const PromptFacts& facts,
                                    const std::vector<PromptFunction>& functions);

}  // namespace caisson
