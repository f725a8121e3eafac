add_subdirectory(cli)
