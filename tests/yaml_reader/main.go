// yaml-reader says of each text whether Kubernetes' own YAML reader takes it: documents are cut as
// apimachinery cuts them, and each is read by sigs.k8s.io/yaml, as kubeadm does it. It reads texts
// from its standard input, one a line as a JSON string, and answers each with a line, `ok` or the
// error.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	goyaml "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"
)

func main() {
	texts := json.NewDecoder(bufio.NewReader(os.Stdin))
	answers := bufio.NewWriter(os.Stdout)
	for {
		var text string
		if err := texts.Decode(&text); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer := "ok"
		if err := read(text); err != nil {
			answer = strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Fprintln(answers, answer)
		// Whoever asks one text after the other waits for each answer.
		if err := answers.Flush(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func read(text string) error {
	all, err := documents(text)
	if err != nil {
		return err
	}
	for _, document := range all {
		var value interface{}
		if err := yaml.Unmarshal([]byte(document), &value); err != nil {
			return err
		}
		// It reads one value and leaves what follows: a loss that is no good reading.
		decoder := goyaml.NewDecoder(strings.NewReader(document))
		_ = decoder.Decode(&value)
		if err := decoder.Decode(&value); !errors.Is(err, io.EOF) {
			return fmt.Errorf("something follows the value: %w", err)
		}
	}
	return nil
}

// documents cuts as YAMLReader of k8s.io/apimachinery/pkg/util/yaml does.
func documents(text string) ([]string, error) {
	var documents []string
	var document strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		if strings.HasPrefix(line, "---") {
			trimmed := strings.TrimSpace(line[3:])
			if trimmed != "" && trimmed[0] != '#' {
				return nil, fmt.Errorf("invalid Yaml document separator: %s", trimmed)
			}
			documents = append(documents, document.String())
			document.Reset()
			continue
		}
		document.WriteString(line)
	}
	return append(documents, document.String()), nil
}
