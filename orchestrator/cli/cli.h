// The command line: a table of commands, one file for each.
#pragma once

namespace caisson {

// Runs the command that argv names. Returns the exit status.
int run_cli(int argc, char** argv);

}  // namespace caisson
