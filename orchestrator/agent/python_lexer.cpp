#include "orchestrator/agent/python_text.h"

namespace caisson {

void PythonLexer::feed(char byte) {
  switch (state_) {
    case State::code:
      in_code(byte);
      return;
    case State::comment:
      if (byte == '\n') state_ = State::code;
      return;
    case State::quotes:
      if (byte == quote_) {
        if (++quotes_ < 3) return;
        long_string_ = true;
        state_ = State::string;
      } else if (quotes_ == 2) {
        state_ = State::code;
        in_code(byte);
      } else {
        long_string_ = false;
        state_ = State::string;
        in_text(byte);
      }
      return;
    case State::string:
      in_text(byte);
      return;
    case State::string_ending:
      if (byte != quote_) {
        state_ = State::string;
        in_text(byte);
      } else if (++quotes_ == 3) {
        state_ = State::code;
      }
      return;
  }
}

void PythonLexer::in_code(char byte) {
  if (byte == '#') {
    state_ = State::comment;
  } else if (byte == '\'' || byte == '"') {
    state_ = State::quotes;
    quote_ = byte;
    quotes_ = 1;
    escaped_ = false;
  }
}

void PythonLexer::in_text(char byte) {
  if (escaped_) {
    escaped_ = false;
  } else if (byte == '\\') {
    escaped_ = true;
  } else if (byte == quote_) {
    quotes_ = 1;
    state_ = long_string_ ? State::string_ending : State::code;
  } else if (byte == '\n' && !long_string_) {
    // A short string that is not closed on its line is an error of the code, which must not make
    // everything after it a string.
    state_ = State::code;
  }
}

}  // namespace caisson
