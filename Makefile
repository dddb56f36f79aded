# make test    installs what the tests need and runs them all (Debian; root or sudo for packages)
# make demo    the demonstration
# make build   a static binary in bin/
# make bench-accuracy  how right the rules are on real recordings (RECORDINGS=folder, not in this repository)
# make load-modbus, load-mqtt, load-history, load-alerts  load runs on loopback, minutes each (deploy/load)
# make lint    formatting, vet and staticcheck

SHELL := /bin/bash
SUDO  := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
TOOLS ?= $(HOME)/.cache/stillwater
KILLS ?= 120
RECORDINGS ?= ../shared/benchmark

# What tests need besides Go: a broker, a Modbus server, a browser and a Chinese font, all not ours.
PACKAGES := mosquitto mosquitto-clients python3-pymodbus python3-serial-asyncio libmodbus-dev gcc libc6-dev socat python3-aiosmtpd victoria-metrics openssh-server curl openssl chromium fonts-wqy-zenhei

export STILLWATER_INFLUXD ?= $(TOOLS)/bin/influxd
export STILLWATER_PRISM   ?= $(TOOLS)/node_modules/.bin/prism
export STILLWATER_MODBUS_SERIAL ?= $(TOOLS)/node_modules/modbus-serial
export STILLWATER_STANDARDWEBHOOKS ?= $(TOOLS)/node_modules/standardwebhooks
export STILLWATER_WECOM_CRYPTO ?= $(TOOLS)/node_modules/@wecom/crypto
export STILLWATER_TELEGRAF ?= $(TOOLS)/bin/telegraf

.PHONY: test lint demo build bench-accuracy load-alerts load-history load-modbus load-mqtt packages tools sample

# The rules and incidents start no goroutine, which a test sees to: the race detector has nothing to find in them, nor in the scenarios they are played
# by, and would take five times as long.
test: packages tools lint
	go test -timeout 20m ./rules ./gateway/incident
	go test -timeout 20m -run 'TestTruth|TestLife' ./gateway ./gateway/pipeline
	STILLWATER_KILLS=$(KILLS) go test -race -timeout 20m $$(go list ./... | grep -vE '/(rules|gateway/incident)$$')

lint:
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not gofmt'd: $$out"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

demo:
	go run ./gateway demo

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/stillwater ./gateway

bench-accuracy: build
	python3 deploy/bench/accuracy.py bin/stillwater $(RECORDINGS)

# What a broker carries into the journal, and that nothing is lost on the way (deploy/load/mqtt).
load-mqtt: packages
	go run ./deploy/load/mqtt

# How long it takes from the commit of a finding to the provider's accept of its text, at 1, 100 and 1,000 incidents a minute.
load-alerts:
	go run ./deploy/load/alerts

# How long a reading takes to its commit with history off, on, and with its database killed, and that every point arrives once.
load-history: $(STILLWATER_INFLUXD)
	go run ./deploy/load/history

# 500 Modbus units once a second, with one in five dead and without, beside Telegraf's Modbus input.
load-modbus: packages $(STILLWATER_TELEGRAF)
	go run ./deploy/load/modbus

# The sample configuration is made from the configuration's own types; a test compares the two.
sample:
	go test ./gateway -run TestSampleIsTheConfiguration -update

packages:
	@missing=; for p in $(PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then $(SUDO) apt-get update -q && $(SUDO) DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; fi

tools: $(STILLWATER_INFLUXD) $(STILLWATER_PRISM) $(STILLWATER_MODBUS_SERIAL) $(STILLWATER_STANDARDWEBHOOKS) $(STILLWATER_WECOM_CRYPTO)

# A real InfluxDB, and a mock that checks calls against Twilio's own description of its API. The tests that use them say so when
# they are absent.
$(STILLWATER_INFLUXD):
	GOBIN=$(dir $@) go install github.com/influxdata/influxdb/cmd/influxd@v1.8.10 || echo "influxd could not be built; its tests are left out"

$(STILLWATER_PRISM):
	npm install --silent --no-audit --no-fund --prefix $(TOOLS) @stoplight/prism-cli@5.16.0 || echo "prism could not be installed; its tests are left out"

$(STILLWATER_MODBUS_SERIAL):
	npm install --silent --no-audit --no-fund --prefix $(TOOLS) modbus-serial@8.0.25 || echo "modbus-serial could not be installed; its tests are left out"

$(STILLWATER_STANDARDWEBHOOKS):
	npm install --silent --no-audit --no-fund --prefix $(TOOLS) standardwebhooks@1.1.1 || echo "standardwebhooks could not be installed; its test is left out"

$(STILLWATER_WECOM_CRYPTO):
	npm install --silent --no-audit --no-fund --prefix $(TOOLS) @wecom/crypto@1.0.1 || echo "@wecom/crypto could not be installed; its test is left out"

# For load-modbus alone.
$(STILLWATER_TELEGRAF):
	GOBIN=$(dir $@) CGO_ENABLED=0 go install -ldflags='-s -w' -tags custom,inputs.modbus,outputs.file github.com/influxdata/telegraf/cmd/telegraf@v1.37.0 || echo "Telegraf could not be built; its figures are left out"
