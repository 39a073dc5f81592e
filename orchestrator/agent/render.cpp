#include "orchestrator/agent/render.h"

#include <fmt/format.h>

#include "orchestrator/agent/python_text.h"
#include "sandbox/base/json.h"

namespace caisson {

namespace {

constexpr std::string_view frame = "  │ ";

std::string text_of(const nlohmann::json& bundle) {
  return bundle.is_object() ? clean_text(get_string(bundle, "text/plain")) : "";
}

std::string milliseconds(std::chrono::microseconds time) {
  const auto ms = static_cast<double>(time.count()) / 1000;
  return ms < 1000 ? fmt::format("{:.3g} ms", ms) : fmt::format("{:.1f} s", ms / 1000);
}

std::string tools_arguments(const nlohmann::json& arguments) {
  constexpr std::size_t limit = 120;
  auto text = clean_text(to_text(arguments));
  if (text.size() > limit) text = head_and_tail(text, limit);
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

}  // namespace

void VerboseTranscript::event(const Event& event) {
  if (const auto* start = std::get_if<StartEvent>(&event.body)) {
    if (!first_question_) out_ << "\n" << std::string(50, '=') << "\n\n";
    first_question_ = false;
    cleaner_ = {};
    out_ << "User:  " << clean_text(start->user_input) << "\n";
  } else if (const auto* stream = std::get_if<StreamEvent>(&event.body)) {
    for (const char c : cleaner_.feed(stream->delta)) {
      if (c != '\r') out_ << c;
    }
  } else if (const auto* code = std::get_if<CodeExecutionEvent>(&event.body)) {
    out_ << "\n-----------\nParsed code:\n" << clean_text(code->code) << "\n\n";
  } else {
    return;
  }
  out_.flush();
}

void LiveView::event(const Event& event) {
  if (const auto* start = std::get_if<StartEvent>(&event.body)) {
    question(*start);
  } else if (const auto* stream = std::get_if<StreamEvent>(&event.body)) {
    if (stream->part == Piece::Part::prose) prose(prose_cleaner_.feed(stream->delta));
  } else if (const auto* code_event = std::get_if<CodeExecutionEvent>(&event.body)) {
    code(*code_event);
  } else if (const auto* output_event = std::get_if<OutputEvent>(&event.body)) {
    output(*output_event);
  } else if (const auto* display = std::get_if<DisplayEvent>(&event.body)) {
    end_line();
    const auto text = text_of(display->bundle);
    framed(text.empty() ? "[a display without text]" : text, Style::output);
  } else if (const auto* result_event = std::get_if<ResultEvent>(&event.body)) {
    result(*result_event);
  } else if (const auto* call = std::get_if<ToolCallEvent>(&event.body)) {
    note(fmt::format("tool {} {}", clean_text(call->tool), tools_arguments(call->arguments)));
  } else if (const auto* answer = std::get_if<ToolResultEvent>(&event.body)) {
    if (!answer->error.empty()) note("tool failed: " + clean_text(answer->error));
  } else if (const auto* rollback = std::get_if<RollbackEvent>(&event.body)) {
    note(rollback->checkpoint == 0 ? "rolled back to the start of the session"
                                   : fmt::format("rolled back to block {}", rollback->checkpoint));
  } else if (const auto* problem = std::get_if<ParseProblemEvent>(&event.body)) {
    note("reply not used (" + problem->problem + ")");
  } else if (const auto* compaction = std::get_if<CompactionEvent>(&event.body)) {
    note(fmt::format("memory: {} outputs shortened, {} messages left out", compaction->shrunk,
                     compaction->dropped));
  } else if (std::holds_alternative<LlmRequestEvent>(event.body)) {
    ++replies_;
    prose_began_ = false;
    prose_cleaner_ = {};
  } else if (const auto* stop_event = std::get_if<StopEvent>(&event.body)) {
    stop(*stop_event);
  }
  out_.flush();
}

void LiveView::question(const StartEvent& event) {
  end_line();
  blocks_ = 0;
  replies_ = 0;
  out_ << styled("> " + clean_text(event.user_input), Style::question) << "\n";
}

void LiveView::prose(std::string_view text) {
  if (text.empty()) return;
  if (!prose_began_) {
    // Line ends before the first word, and those around a block, would tear the view apart.
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.empty()) return;
    prose_began_ = true;
    end_line();
  }
  for (const char c : text) {
    if (c != '\r') out_ << c;
  }
  mid_line_ = text.back() != '\n';
  in_frame_ = false;
}

void LiveView::code(const CodeExecutionEvent& event) {
  end_line();
  out_cleaner_ = {};
  err_cleaner_ = {};
  ++blocks_;
  out_ << styled(fmt::format("  ┌ python {}", blocks_), Style::quiet) << "\n";
  framed(clean_text(event.code), Style::code);
  out_ << styled("  ├", Style::quiet) << "\n";
}

void LiveView::output(const OutputEvent& event) {
  auto& cleaner = event.stream == OutputStream::out ? out_cleaner_ : err_cleaner_;
  const auto style = event.stream == OutputStream::out ? Style::output : Style::error;
  if (mid_line_ && (!in_frame_ || last_stream_ != event.stream)) end_line();
  last_stream_ = event.stream;
  std::string run;  // of one line
  const auto write_run = [&] {
    if (run.empty()) return;
    if (!mid_line_) out_ << styled(frame, Style::quiet);
    out_ << styled(run, style);
    mid_line_ = true;
    in_frame_ = true;
    run.clear();
  };
  for (const char c : cleaner.feed(event.text)) {
    if (c == '\r') {
      // A progress bar: on a terminal the line is written again, elsewhere it is a line.
      write_run();
      if (mid_line_ && colours_ == Colours::ansi) {
        out_ << "\r\x1b[K";
        mid_line_ = false;
      } else {
        end_line();
      }
    } else if (c == '\n') {
      write_run();
      if (!mid_line_) out_ << styled(frame, Style::quiet);
      out_ << "\n";
      mid_line_ = false;
    } else {
      run += c;
    }
  }
  write_run();
}

void LiveView::result(const ResultEvent& event) {
  end_line();
  const auto& outcome = event.outcome;
  const auto value = text_of(outcome.value);
  if (!value.empty()) framed(value, Style::good);
  if (outcome.error) {
    const auto& error = *outcome.error;
    framed(
        clean_text(error.traceback.empty() ? error.type + ": " + error.message : error.traceback),
        Style::error);
  }
  for (const auto& denial : outcome.denials) {
    framed(fmt::format("{}: {} by {}", what_it_is(denial), clean_text(denial.subject),
                       clean_text(denial.rule)),
           Style::error);
  }
  const auto reason = outcome.reason.empty() ? "" : ": " + clean_text(outcome.reason);
  const auto line =
      fmt::format("{}{} · {}", name(outcome.status), reason, milliseconds(outcome.usage.wall));
  out_ << styled("  └ ", Style::quiet)
       << styled(line, outcome.status == Status::ok ? Style::quiet : Style::bad) << "\n";
}

void LiveView::note(std::string_view text) {
  end_line();
  out_ << styled(fmt::format("  · {}", text), Style::quiet) << "\n";
}

void LiveView::stop(const StopEvent& event) {
  end_line();
  const bool good = event.reason == StopReason::final_answer;
  // A refusal is no part of the reply's text, so it has not been shown.
  if (event.reason == StopReason::refused) out_ << clean_text(event.result) << "\n";
  auto line =
      fmt::format("{} {} · {} {} · {} {}", good ? "✓" : "✗", name(event.reason), replies_,
                  replies_ == 1 ? "reply" : "replies", blocks_, blocks_ == 1 ? "block" : "blocks");
  if (!event.message.empty()) line += " · " + clean_text(event.message);
  out_ << styled(line, good ? Style::quiet : Style::bad) << "\n";
}

void LiveView::framed(std::string_view lines, Style style) {
  while (lines.ends_with('\n')) lines.remove_suffix(1);
  for (;;) {
    const auto end = lines.find('\n');
    out_ << styled(frame, Style::quiet) << styled(lines.substr(0, end), style) << "\n";
    if (end == std::string_view::npos) return;
    lines.remove_prefix(end + 1);
  }
}

void LiveView::end_line() {
  if (mid_line_) out_ << "\n";
  mid_line_ = false;
  in_frame_ = false;
}

std::string LiveView::styled(std::string_view text, Style style) const {
  if (colours_ == Colours::none || text.empty()) return std::string(text);
  const char* code = "";
  switch (style) {
    case Style::question:
      code = "1";
      break;
    case Style::code:
      code = "36";
      break;
    case Style::output:
      return std::string(text);
    case Style::error:
    case Style::bad:
      code = "31";
      break;
    case Style::quiet:
      code = "2";
      break;
    case Style::good:
      code = "32";
      break;
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

void JsonLines::event(const Event& event) {
  // ASCII alone: neither a terminal nor a reader of lines finds more than JSON in it.
  out_ << to_json(event).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) << "\n";
  out_.flush();
}

}  // namespace caisson
