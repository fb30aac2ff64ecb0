// Command ferretdb serves MongoDB's wire protocol on 127.0.0.1 from SQLite files: FerretDB as a test engine.
//
// The project's own command cannot be built from its module alone (it wants generated files); the library can.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: ferretdb ADDRESS DATA_FOLDER")
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: os.Args[1]},
		Handler:  "sqlite",
		// What is written outlives a kill of this process, not of the machine: a sync for each document costs too much.
		SQLiteURL: "file:" + os.Args[2] + "/?_pragma=synchronous(normal)",
	})
	if err != nil {
		log.Fatal(err)
	}

	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
