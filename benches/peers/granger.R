# Panel Granger test by plm and by rvq on the same panel, in one run.
#
#     Rscript granger.R UNITS PERIODS LAGS RVQ_COMMAND...

suppressPackageStartupMessages(library(plm))

arguments <- commandArgs(TRUE)
units <- as.integer(arguments[1])
periods <- as.integer(arguments[2])
lags <- as.integer(arguments[3])
command <- arguments[-(1:3)]

set.seed(1)
x <- t(replicate(units, as.numeric(arima.sim(list(ar = 0.5), periods))))
y <- t(apply(x, 1, function(x) {
  as.numeric(filter(rnorm(periods) + 0.05 * c(0, head(x, -1)), 0.4, "recursive"))
}))
rows <- data.frame(unit = rep(seq_len(units), each = periods), period = rep(seq_len(periods), units),
                   x = as.vector(t(x)), y = as.vector(t(y)))
panel <- pdata.frame(rows, index = c("unit", "period"))

file <- tempfile()
writeBin(c(rows$x, rows$y), file, endian = "little")
Sys.setenv(PANEL = file, UNITS = units, PERIODS = periods, LAGS = lags)
printed <- system2(command[1], command[-1], stdout = TRUE)
ours <- jsonlite::fromJSON(grep("^\\{", printed, value = TRUE)[1])
unlink(file)

theirs <- Inf
for (turn in 1:2) {
  seconds <- system.time(found <- pgrangertest(y ~ x, panel, order = lags))["elapsed"]
  theirs <- min(theirs, seconds)
}
cat(sprintf("%d units, %d periods, %d lags, one thread\n", units, periods, lags))
cat(sprintf("plm %s: %.3f s   rvq: %.6f s   %.0f x\n",
            packageVersion("plm"), theirs, ours$seconds, theirs / ours$seconds))
cat(sprintf("statistics differ by %.1e\n", abs(found$statistic - ours$z_bar_tilde)))
if (abs(found$statistic - ours$z_bar_tilde) > 1e-8) quit(status = 1)
