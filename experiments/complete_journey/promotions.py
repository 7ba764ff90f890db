"""What can be tied to a household of the sources that rvq does not read. Needs pandas and pyarrow.

python3 experiments/complete_journey/promotions.py "$(data/fetch complete_journey)"
"""

import pathlib
import sys

import pandas as pd

folder = pathlib.Path(sys.argv[1])


def read(name):
    """One table of the log."""
    return pd.read_parquet(folder / f"{name}.parquet")


lines, promotions, coupons = read("transactions"), read("promotions"), read("coupons")
place = ["store_id", "week"]
print(f"promotions: {len(promotions):,} rows of product, store and week")
print(f"  stores: {promotions.store_id.nunique()} of the {lines.store_id.nunique()} shopped in")

# One row of a product, store and week is enough to say that it was promoted.
promoted = promotions.drop_duplicates(["product_id", *place]).assign(promoted=True)
bought = lines.merge(promoted, on=["product_id", *place], how="left")
hit = bought[bought.promoted.notna()]
print(f"  lines bought on promotion: {len(hit):,} of {len(lines):,}")
print(f"  baskets with one: {hit.basket_id.nunique():,} of {lines.basket_id.nunique():,}")
print(f"  households with one: {hit.household_id.nunique():,} of {lines.household_id.nunique():,}")

visits = lines[["household_id", *place]].drop_duplicates()
covered = visits.merge(promotions[place].drop_duplicates(), on=place)
print(f"  household-store-weeks: {len(visits):,}, in stores with promotions {len(covered):,}")
shown = promotions.groupby(place).size()
print(f"  promotions of a store and week: {shown.min():,} to {shown.max():,}, median {shown.median():,.0f}")

print(f"coupons: {len(coupons):,} rows of coupon, product and campaign, none of a household")
redeemed = read("coupon_redemptions")
used = lines[lines.coupon_disc > 0]
print(f"  redemptions: {len(redeemed):,} of {redeemed.household_id.nunique():,} households")
print(f"  baskets with a coupon discount: {used.basket_id.nunique():,} of {used.household_id.nunique():,} households")
mailed = read("campaigns").merge(read("campaign_descriptions"), on="campaign_id")
print(f"campaigns: {len(mailed):,} mailings to {mailed.household_id.nunique():,} households")
early = lines[lines.transaction_timestamp < "2017-03-01"].groupby("household_id").sales_value.sum()
spend = early.reindex(lines.household_id.unique(), fill_value=0)
first = mailed.groupby("household_id").start_date.min().reindex(spend.index)
later, never = spend[first >= "2017-03-01"], spend[first.isna()]
print(
    f"  median spend in January and February: {later.median():.0f} of {len(later)} households first mailed"
    f" from March on, {never.median():.0f} of {len(never)} never mailed"
)
