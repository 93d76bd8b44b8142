from outgrow.cli import main

main()
