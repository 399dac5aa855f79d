#include "daemon/run.h"

int main(int argc, char** argv) { return lazaret::daemon::run(argc, argv); }
