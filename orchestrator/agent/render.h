// Runs on a screen: three ways to write the events down as they happen. Each keeps up with any
// number of runs, one after another.
#pragma once

#include <cstdint>
#include <ostream>

#include "orchestrator/agent/clean_text.h"
#include "orchestrator/agent/events.h"

namespace caisson {

enum class Colours { none, ansi };  // ansi only when the stream is a terminal

// As the article's run_agent_verbose prints it, byte for byte, apart from control characters of
// the model: the question, the deltas as they come, the code before it runs, and a line of 50 '='
// between two questions.
class VerboseTranscript final : public EventSink {
 public:
  explicit VerboseTranscript(std::ostream& out) : out_(out) {}
  void event(const Event& event) override;

 private:
  std::ostream& out_;
  TextCleaner cleaner_;
  bool first_question_ = true;
};

// For a person who watches: text as it is written, code in a frame, its output while it runs, how
// it ended, what was denied or rolled back. Whatever model or sandbox wrote is cleaned of
// everything that steers a terminal.
class LiveView final : public EventSink {
 public:
  LiveView(std::ostream& out, Colours colours) : out_(out), colours_(colours) {}
  void event(const Event& event) override;

 private:
  enum class Style { question, code, output, error, quiet, good, bad };

  void question(const StartEvent& event);
  void prose(std::string_view text);
  void code(const CodeExecutionEvent& event);
  void output(const OutputEvent& event);
  void result(const ResultEvent& event);
  void note(std::string_view text);
  void stop(const StopEvent& event);
  void framed(std::string_view lines, Style style);
  void end_line();
  std::string styled(std::string_view text, Style style) const;

  std::ostream& out_;
  const Colours colours_;
  TextCleaner prose_cleaner_;
  TextCleaner out_cleaner_;
  TextCleaner err_cleaner_;
  bool mid_line_ = false;
  bool in_frame_ = false;  // the line that is not ended is output of a block
  bool prose_began_ = false;
  OutputStream last_stream_ = OutputStream::out;
  std::uint32_t blocks_ = 0;
  std::uint32_t replies_ = 0;
};

// One JSON object a line, each flushed.
class JsonLines final : public EventSink {
 public:
  explicit JsonLines(std::ostream& out) : out_(out) {}
  void event(const Event& event) override;

 private:
  std::ostream& out_;
};

}  // namespace caisson
