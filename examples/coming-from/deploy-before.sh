#!/bin/sh
# What was typed until now: the old containers are stopped before the new ones run.
set -eu
export VERSION="$1"
docker compose build --quiet web
docker compose up -d
