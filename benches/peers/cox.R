# Times coxph on a CSV of start-stop rows: `NAME SECONDS COEFFICIENT` a line.
#
#   Rscript cox.R CSV

library(survival)

rows <- read.csv(commandArgs(trailingOnly = TRUE)[1])

timed <- function(name, fit) {
  best <- Inf
  for (run in 1:5) {
    begin <- proc.time()[["elapsed"]]
    fitted <- fit()
    best <- min(best, proc.time()[["elapsed"]] - begin)
  }
  cat(name, best, paste0(format(coef(fitted)[[1]], digits = 15), "\n"))
}

model <- Surv(entry, exit, event) ~ x1 + x2 + x3 + x4 + x5
timed("R coxph", function() coxph(model, rows))
timed("R coxph, clusters", function() coxph(model, rows, cluster = id))
