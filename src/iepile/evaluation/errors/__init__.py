"""What is wrong with answers: classes, counts, effects, exports."""
