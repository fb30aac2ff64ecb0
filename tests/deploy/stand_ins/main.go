// Command ferretdb serves MongoDB's wire protocol from SQLite files to one user: FerretDB in the place of MongoDB.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: ferretdb ADDRESS DATA_FOLDER USER PASSWORD_FILE")
	}

	password, err := os.ReadFile(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: os.Args[1]},
		Handler:   "sqlite",
		SQLiteURL: "file:" + os.Args[2] + "/?_pragma=synchronous(normal)",
		Username:  os.Args[3],
		Password:  strings.TrimSpace(string(password)),
	})
	if err != nil {
		log.Fatal(err)
	}

	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
