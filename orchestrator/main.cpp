#include "orchestrator/cli/cli.h"

int main(int argc, char** argv) {
  return caisson::run_cli(argc, argv);
}
