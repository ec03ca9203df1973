"""What the shop sells, as a table to be read: category, title, price in dollars, sizes or colours."""

from __future__ import annotations

SHOP = "Juniper & Pine"
SITE = "https://shop.juniper-pine.example"
IMAGES = "https://cdn.juniper-pine.example"
BRAND = "Juniper & Pine"

#: category -> (title, price, variants); a popular product stands early in its category.
SHELF: dict[str, tuple[tuple[str, float, tuple[str, ...]], ...]] = {
    "Apparel": (
        ("Merino Crew Tee", 48.0, ("S", "M", "L")),
        ("Trail Fleece", 96.0, ("S", "M", "L", "XL")),
        ("Rain Shell", 148.0, ("S", "M", "L")),
        ("Everyday Socks, 3 pairs", 24.0, ("36-39", "40-43", "44-47")),
        ("Wool Beanie", 28.0, ("Moss", "Rust")),
        ("Canvas Work Shirt", 72.0, ("S", "M", "L")),
    ),
    "Camp Kitchen": (
        ("Enamel Mug", 16.0, ("White", "Forest")),
        ("Titanium Pot 900 ml", 64.0, ()),
        ("Pour-Over Kit", 42.0, ()),
        ("Folding Stove", 58.0, ()),
        ("Bamboo Cutlery Set", 14.0, ()),
    ),
    "Bags": (
        ("Day Pack 20 L", 89.0, ("Black", "Moss")),
        ("Weekender Duffel", 128.0, ("Black", "Clay")),
        ("Roll-Top Tote", 54.0, ("Sand", "Navy")),
        ("Zip Pouch", 18.0, ()),
    ),
    "Shelter": (
        ("Two-Person Tent", 289.0, ()),
        ("Down Quilt", 219.0, ("Regular", "Long")),
        ("Sleeping Pad", 94.0, ()),
        ("Tarp 3 × 3 m", 78.0, ()),
    ),
    "Home": (
        ("Cedar Candle", 32.0, ()),
        ("Wool Throw", 118.0, ("Grey", "Ochre")),
        ("Linen Tea Towel", 18.0, ()),
        ("Cast-Iron Pan 26 cm", 68.0, ()),
        ("Beeswax Polish", 15.0, ()),
    ),
    "Pantry": (
        ("Campfire Coffee 500 g", 19.0, ("Whole bean", "Ground")),
        ("Spruce Tip Syrup", 17.0, ()),
        ("Trail Mix “Café Olé”", 12.0, ()),
        ("Hot Chocolate Tin", 21.0, ()),
    ),
    "Kids": (
        ("Explorer's Kit", 39.0, ()),
        ("Mini Fleece", 52.0, ("4Y", "6Y", "8Y")),
        ("Bug Viewer", 22.0, ()),
    ),
    "Gifts": (
        ("Gift Box “Winter Evening”", 85.0, ()),
        ("Gift Card", 50.0, ()),
        ("Field Notes, set of 3", 16.0, ()),
        ("Pocket Knife No. 7", 46.0, ()),
    ),
}
